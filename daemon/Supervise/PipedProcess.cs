using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Auraed.Base;

namespace Auraed.Supervise;

/// <summary>
/// A program that the daemon speaks with over its standard input and output, for as long as it needs it: ssh, for a store. Started without a shell. The end of
/// what it writes to standard error is kept, to say why it ended. Dispose ends it.
/// </summary>
public sealed class PipedProcess : IAsyncDisposable
{
    private static readonly TimeSpan EndMax = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly Task _errorLoop;
    private readonly StringBuilder _error = new();

    private PipedProcess(Process process)
    {
        _process = process;
        _errorLoop = KeepErrorAsync();
    }

    /// <summary>What the program reads.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>What it writes.</summary>
    public Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>The end of its standard error, on one line.</summary>
    public string Error
    {
        get
        {
            lock (_error)
            {
                return string.Join(' ', _error.ToString().Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            }
        }
    }

    /// <summary>Fault(Precondition) when there is no such program.</summary>
    public static PipedProcess Start(string program, IEnumerable<string> arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false },
        };
        try
        {
            process.Start();
        }
        catch (Win32Exception cause)
        {
            process.Dispose();
            throw new Fault(FaultKind.Precondition, $"{program} cannot be started: {cause.Message}", hint: $"install it, or name another: command -v {program}", cause: cause);
        }

        return new PipedProcess(process);
    }

    /// <summary>Waits a moment for what it has to say, once its output has ended.</summary>
    public async Task<string> LastErrorAsync()
    {
        await Task.WhenAny(_errorLoop, Task.Delay(EndMax));
        return Error;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }

        await _process.WaitForExitAsync();
        await _errorLoop;
        _process.Dispose();
    }

    private async Task KeepErrorAsync()
    {
        var block = new char[512];
        for (int count; (count = await _process.StandardError.ReadAsync(block)) > 0;)
        {
            lock (_error)
            {
                _error.Append(block, 0, count);
                _error.Remove(0, Math.Max(0, _error.Length - Limits.ChildErrorCharactersMax));
            }
        }
    }
}
