using System.CommandLine;
using Auraed.Cli.Output;
using Aurae.Pki;

namespace Auraed.Cli.Verbs;

/// <summary>Preparing the host for the daemon, and running it.</summary>
internal static class DaemonVerbs
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OthersMayEnter = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public static IEnumerable<Command> Build(CliEnvironment environment)
    {
        var run = new Verb("run", "Run the daemon in the foreground until SIGTERM or SIGINT; the same as no verb.",
            "auraed run --root ./.local", "auraed run --library-dir /srv/aurae -v");
        var options = new DaemonOptions();
        run.With([.. options.All]);
        run.SetAction((result, cancel) => environment.RunDaemon(options.Load(result, environment), cancel));
        return
        [
            new Verb("init", "Make what the daemon needs, as far as it is missing: keys and certificates, directories, both configuration files. Nothing is overwritten.",
                "auraed init --root ./.local", "auraed init  # the host's daemon, as root").With(PkiVerbs.Algorithm).Does(environment, InitAsync),
            run,
        ];
    }

    private static Task InitAsync(Invocation invocation, CancellationToken cancel)
    {
        var (layout, settings) = (invocation.Layout, invocation.Settings);
        var steps = new List<PkiStep>();
        if (layout.Root is not null)
        {
            steps.Add(Make(layout.Root, OwnerOnly));
        }

        steps.AddRange(PkiVerbs.Init(invocation, layout.PkiDirectory));
        steps.Add(Make(settings.LibraryDirectory, OwnerOnly));
        steps.Add(Make(settings.RuntimeDirectory, OthersMayEnter));
        steps.Add(ConfigVerbs.WriteDefault(invocation));
        var client = ClientConfig.For(new PkiLayout(layout.PkiDirectory), ClientName.Default, settings.Socket.ToString());
        steps.Add(new PkiStep(layout.ClientConfigPath, client.WriteIfMissing(layout.ClientConfigPath, HostPki.Platform)));
        PkiVerbs.Print(invocation, steps);
        invocation.Printer.Say(layout.Root is null ? "next: systemctl enable --now auraed" : $"next: {invocation.StartCommand}");
        return Task.CompletedTask;
    }

    private static PkiStep Make(string path, UnixFileMode mode)
    {
        if (Directory.Exists(path))
        {
            return new PkiStep(path, false);
        }

        Directory.CreateDirectory(path, mode);
        return new PkiStep(path, true);
    }
}
