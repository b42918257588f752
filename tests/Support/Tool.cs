using System.Diagnostics;

namespace Auraed.Tests.Support;

/// <summary>Runs a program to its end and keeps what it said.</summary>
internal sealed record Tool(int Code, string Output, string Error)
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromMinutes(2);

    public static Tool Run(string program, params IEnumerable<string> arguments) => Run(program, arguments, null);

    /// <param name="environment">Set on top of the test's own; a null value removes.</param>
    public static Tool Run(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeMax))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} ran longer than {TimeMax}");
        }

        return new Tool(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>What it wrote; fails the test with its error output when it did not exit with zero.</summary>
    public string Succeeded()
    {
        Assert.True(Code == 0, $"exit {Code}\n{Output}\n{Error}");
        return Output;
    }
}
