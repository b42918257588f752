using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Auraed.Cli.Output;

namespace Auraed.Cli.Verbs;

/// <summary>What the binary says of itself: its version, its completions, its manual.</summary>
internal static class AboutVerbs
{
    private static readonly Option<bool> AsJson = new("--json") { Description = "The same as --output json." };

    private static readonly Argument<string> Shell = MakeShell();

    /// <summary>The version that was built, without the commit behind '+'.</summary>
    public static string Version { get; } =
        typeof(AboutVerbs).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    public static IEnumerable<Command> Build(CliEnvironment environment) =>
    [
        new Verb("version", "Print the version of this binary and what it was built from.", "auraed version", "auraed version --json")
            .With(AsJson).Does(environment, VersionAsync),
        new Verb("completion", "Print the completion script of a shell.",
            "auraed completion bash > /usr/share/bash-completion/completions/auraed", "source <(auraed completion zsh)")
            .With(Shell).Does(environment, CompletionAsync),
        Hidden(new Verb("docs", "Print documentation that is made from the verbs.").With(
            new Verb("man", "Print the manual page in roff.", "auraed docs man > auraed.8").Does(environment, ManAsync))),
    ];

    private static Task VersionAsync(Invocation invocation, CancellationToken cancel)
    {
        var printer = invocation.Value(AsJson) ? new Printer(invocation.Terminal, OutputFormat.Json) : invocation.Printer;
        printer.Fields(
            ("version", Version),
            ("runtime", RuntimeInformation.FrameworkDescription),
            ("engine", Components.Engine()),
            ("platform", RuntimeInformation.RuntimeIdentifier));
        return Task.CompletedTask;
    }

    private static Task CompletionAsync(Invocation invocation, CancellationToken cancel)
    {
        invocation.Terminal.Out.Write(Completions.Script(invocation.Value(Shell)!));
        return Task.CompletedTask;
    }

    private static Task ManAsync(Invocation invocation, CancellationToken cancel)
    {
        ManualPage.Write(invocation.Terminal.Out, CommandTree.Build(invocation.Environment), Version);
        return Task.CompletedTask;
    }

    private static Argument<string> MakeShell()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong(Completions.Shells);
        return shell;
    }

    private static Verb Hidden(Verb verb)
    {
        verb.Hidden = true;
        return verb;
    }
}
