using Auraed.Cli;
using Auraed.Cli.Output;

namespace Auraed.Tests.Support;

/// <summary>Runs a command line through the real tree, in this process, and keeps what it printed.</summary>
internal sealed record Cli(int Code, string Output, string Error)
{
    /// <summary>The width that files and pipes get.</summary>
    private const int Width = 100;

    public static async Task<Cli> RunAsync(string[] arguments, IReadOnlyDictionary<string, string>? variables = null, TimeProvider? time = null, bool isInputGiven = true)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var environment = Environment(new Terminal(output, error, isInteractive: false, Width), variables, time, isInputGiven);
        var code = await CommandLine.RunAsync(arguments, environment);
        return new Cli(code, output.ToString(), error.ToString());
    }

    public static CliEnvironment Environment(Terminal terminal, IReadOnlyDictionary<string, string>? variables = null, TimeProvider? time = null, bool isInputGiven = true) => new()
    {
        Terminal = terminal,
        Variables = variables ?? new Dictionary<string, string>(),
        Time = time ?? TimeProvider.System,
        IsInputGiven = () => isInputGiven,
        RunDaemon = (_, _) => Task.FromResult(0),
    };

    /// <summary>What it printed; fails the test with its errors when it did not end with zero.</summary>
    public string Succeeded()
    {
        Assert.True(Code == 0, $"exit {Code}\n{Output}\n{Error}");
        return Output;
    }
}
