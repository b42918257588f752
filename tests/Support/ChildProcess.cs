using System.Diagnostics;
using System.Text;

namespace Auraed.Tests.Support;

/// <summary>A process of a test's own. Its output is kept; Dispose kills it with all it started.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private ChildProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>Standard output and standard error so far, line by line.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public static ChildProcess Start(string directory, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true };
        return new ChildProcess(new Process { StartInfo = start });
    }

    /// <summary>Runs to its end; a failure carries the output.</summary>
    public static async Task<string> RunAsync(string directory, string program, params string[] arguments)
    {
        await using var child = Start(directory, program, arguments);
        var exit = await child.WaitForExitAsync().WaitAsync(TimeMax);
        Assert.True(exit == 0, $"{program} {string.Join(' ', arguments)} exited with {exit}:\n{child.Output}");
        return child.Output;
    }

    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async Task WaitForLineAsync(string line) =>
        await Eventually.HoldsAsync(
            () => Output.Split('\n').Contains(line) || (_process.HasExited ? throw new InvalidOperationException($"exited with {_process.ExitCode}:\n{Output}") : false),
            $"the line '{line}' of {_process.StartInfo.FileName}");

    public void Kill() => _process.Kill(entireProcessTree: true);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        lock (_output)
            if (line is not null)
                _output.Append(line).Append('\n');
    }
}
