using Auraed.Base;
using Auraed.Cli.Output;
using Auraed.Config;

namespace Auraed.Cli;

/// <summary>What the command line takes from outside, so that a test can stand in for the process.</summary>
internal sealed class CliEnvironment
{
    public required Terminal Terminal { get; init; }

    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    /// <summary>Standard input, for verbs that take "-".</summary>
    public TextReader Input { get; init; } = Console.In;

    /// <summary>False when standard input was closed at the start: its number is another file's then.</summary>
    public Func<bool> IsInputGiven { get; init; } = () => Native.StandardDescriptors.IsGiven(0);

    /// <summary>Standard output as bytes, for verbs that write to "-".</summary>
    public Func<Stream> OpenOutput { get; init; } = () => new Native.StandardOutput();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Runs the daemon until it is told to end, and answers its exit code. Host supplies it, as this room may not use Host.</summary>
    public required Func<Settings, CancellationToken, Task<int>> RunDaemon { get; init; }

    /// <param name="field">The argument that is "-".</param>
    /// <param name="example">The same verb with something to read.</param>
    public void RequireInput(string field, string example)
    {
        if (!IsInputGiven())
        {
            throw Fault.Invalid(field, "standard input is closed", $"give it something to read: {example}");
        }
    }

    public static CliEnvironment OfProcess(Func<Settings, CancellationToken, Task<int>> runDaemon)
    {
        var variables = SettingsLoader.ProcessEnvironment();
        return new CliEnvironment { Terminal = Terminal.OfProcess(variables.GetValueOrDefault), Variables = variables, RunDaemon = runDaemon };
    }
}
