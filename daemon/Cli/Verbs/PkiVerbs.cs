using System.CommandLine;
using Auraed.Base;
using Auraed.Cli.Output;
using Aurae.Pki;

namespace Auraed.Cli.Verbs;

/// <summary>`auraed pki`: the authority, the server's pair, clients' pairs.</summary>
internal static class PkiVerbs
{
    public static readonly Option<string?> Dir = new("--dir")
    {
        Description = "The directory of keys and certificates. [default: /etc/aurae/pki, or DIR/pki of --root]",
        HelpName = "DIR",
    };

    public static readonly Option<KeyKind> Algorithm = new Option<KeyKind>("--algorithm")
    {
        Description = "The kind of key to make: rsa (4096 bits, as upstream; seconds each) or ec (P-256; at once). [default: rsa]",
        HelpName = "rsa|ec",
        CustomParser = result =>
        {
            var text = result.Tokens.Single().Value;
            if (text is not ("rsa" or "ec"))
            {
                result.AddError($"--algorithm is rsa or ec, not '{text}'");
            }

            return text == "ec" ? KeyKind.Ec : KeyKind.Rsa;
        },
    }.Offering("rsa", "ec");

    private static readonly Option<int> Days = new("--days")
    {
        Description = "How many days a new certificate is valid; never longer than its authority. [default: 9999]",
        HelpName = "DAYS",
        DefaultValueFactory = _ => 9999,
    };

    private static readonly Argument<string> Name = new("NAME") { Description = "The client: one DNS label in lower case. Its subject is NAME.unsafe.aurae.io." };

    private static readonly Option<string?> Export = new("--export")
    {
        Description = "Also write DIR/config and DIR/pki with what this client needs: its pair and the authority's certificate, nothing else. For a user, DIR is ~/.aurae.",
        HelpName = "DIR",
    };

    public static Command Build(CliEnvironment environment) =>
        new Verb("pki", "Make and check keys and certificates.", "auraed pki check --root ./.local").With(
            new Verb("init", "Make the authority, the server's pair and the client 'nova', as far as they are missing. Nothing is overwritten.",
                "auraed pki init --dir /etc/aurae/pki", "auraed pki init --root ./.local --algorithm ec  # without the wait for RSA")
                .With(Dir, Algorithm, Days).Does(environment, InitAsync),
            new Verb("client", "Make a key and a signed certificate for one more client.",
                "auraed pki client ci-runner", "auraed pki client alice --export /tmp/alice  # hand over as ~/.aurae")
                .With(Name, Dir, Algorithm, Days, Export).Does(environment, ClientAsync),
            new Verb("check", "Look at expiry, chain, names, modes and whether each key fits its certificate. Fails when something does not work.",
                "auraed pki check", "auraed pki check --dir /etc/aurae/pki --output json")
                .With(Dir).Does(environment, CheckAsync));

    /// <summary>What a check found, as a list; errors make the verb fail with <see cref="ExitCode.Found"/>.</summary>
    public static void Report(Invocation invocation, IReadOnlyList<Finding> findings)
    {
        var hints = new PlacedHints((RootCommand)invocation.Result.RootCommandResult.Command, invocation.Layout.Root);
        invocation.Printer.Rows(findings,
            new Column<Finding>("state", finding => Mark(finding.Severity)),
            new Column<Finding>("on", finding => finding.Subject),
            new Column<Finding>("found", finding => finding.What),
            new Column<Finding>("mend", finding => finding.Hint is { } hint ? hints.Place(hint) : null));
        if (findings.Any(finding => finding.Severity == PkiSeverity.Error))
        {
            invocation.ExitCode = ExitCode.Found;
        }
    }

    public static IReadOnlyList<PkiStep> Init(Invocation invocation, string directory)
    {
        var store = new PkiStore(directory, Options(invocation));
        return store.Init(ClientName.Default);
    }

    public static IReadOnlyList<Finding> Check(Invocation invocation, string directory) =>
        [.. new PkiCheck(new PkiLayout(directory), HostPki.Platform, invocation.Environment.Time).Run().Select(finding => new Finding(finding.Severity, finding.Path, finding.What, finding.Hint))];

    private static Task InitAsync(Invocation invocation, CancellationToken cancel)
    {
        Print(invocation, Init(invocation, Directory(invocation)));
        return Task.CompletedTask;
    }

    private static Task ClientAsync(Invocation invocation, CancellationToken cancel)
    {
        var name = ClientName.Parse(invocation.Value(Name));
        var store = new PkiStore(Directory(invocation), Options(invocation));
        Print(invocation, store.AddClient(name));
        if (invocation.Value(Export) is { } target)
        {
            var steps = new PkiExport(store.Layout, HostPki.Platform).Write(name, target, invocation.Settings.Socket.ToString());
            Print(invocation, steps);
        }

        return Task.CompletedTask;
    }

    private static Task CheckAsync(Invocation invocation, CancellationToken cancel)
    {
        Report(invocation, Check(invocation, Directory(invocation)));
        return Task.CompletedTask;
    }

    public static void Print(Invocation invocation, IReadOnlyList<PkiStep> steps) => invocation.Printer.Rows(steps,
        new Column<PkiStep>("action", step => step.Created ? "made" : "kept"),
        new Column<PkiStep>("path", step => step.Path));

    private static string Directory(Invocation invocation) => invocation.Value(Dir) ?? invocation.Layout.PkiDirectory;

    private static PkiOptions Options(Invocation invocation)
    {
        var days = invocation.IsGiven(Days) ? invocation.Value(Days) : 9999;
        if (days is < 1 or > 36500)
        {
            throw Fault.Invalid("days", $"--days is from 1 to 36500, not {days}");
        }

        return new PkiOptions(HostPki.Platform)
        {
            Kind = invocation.Value(Algorithm),
            Validity = TimeSpan.FromDays(days),
            Time = invocation.Environment.Time,
            Progress = invocation.Printer.IsJson ? null : text => invocation.Terminal.Error.WriteLine(text),
        };
    }

    private static Cell Mark(PkiSeverity severity) => severity switch
    {
        PkiSeverity.Good => "ok",
        PkiSeverity.Warning => "warning",
        PkiSeverity.Error => "ERROR",
    };
}
