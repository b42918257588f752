using System.CommandLine;
using System.CommandLine.Help;
using Auraed.Cli.Verbs;

namespace Auraed.Cli;

/// <summary>All verbs. Help, completions and the manual page are made from this tree and from nothing else.</summary>
internal static class CommandTree
{
    public const string Summary = "The Aurae runtime daemon, and the commands that operate it.";

    public static readonly IReadOnlyList<string> Examples =
    [
        "auraed init --root ./.local && auraed run --root ./.local  # a daemon of your own, in one directory",
        "auraed --root ./.local status                              # ask it how it is",
        "auraed                                                     # the host's daemon, at the system's paths",
    ];

    /// <summary>The one list of verbs, in the order in which help shows them.</summary>
    private static IEnumerable<Command> Verbs(CliEnvironment environment) =>
    [
        .. DaemonVerbs.Build(environment),
        .. StatusVerbs.Build(environment),
        RecordsVerbs.Build(environment),
        EventsVerbs.Build(environment),
        ServicesVerbs.Build(environment),
        AssetsVerbs.Build(environment),
        CellsVerbs.Build(environment),
        RegistryVerbs.Build(environment),
        .. BackupVerbs.Build(environment),
        ReplayVerbs.Build(environment),
        QueryVerbs.Build(environment),
        PkiVerbs.Build(environment),
        ConfigVerbs.Build(environment),
        .. AboutVerbs.Build(environment),
    ];

    public static RootCommand Build(CliEnvironment environment)
    {
        var root = new RootCommand(Summary);
        root.Options.Add(GlobalOptions.Root);
        root.Options.Add(GlobalOptions.Output);
        var daemon = new DaemonOptions();
        foreach (var option in daemon.All)
        {
            root.Options.Add(option);
        }

        foreach (var verb in Verbs(environment))
        {
            root.Subcommands.Add(verb);
        }

        root.Options.OfType<VersionOption>().Single().Action = new VersionLine(environment.Terminal);
        var help = root.Options.OfType<HelpOption>().Single();
        root.Options[root.Options.IndexOf(help)] = new HelpOption("--help", "-h") { Action = new HelpText(environment.Terminal) };
        root.SetAction((result, cancel) => environment.RunDaemon(daemon.Load(result, environment), cancel));
        return root;
    }
}
