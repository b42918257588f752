using System.Diagnostics;
using Auraed.Host;
using Grpc.Core;
using Grpc.Net.Client;

namespace Auraed.Tests.Support;

/// <summary>
/// A daemon in a process of its own that kills itself at a named point, and after that one within this process on the same root. What both run is marked, so that it can be counted.
/// </summary>
internal sealed class DoomedDaemon : IAsyncDisposable
{
    private readonly DaemonFixture _fixture = new();
    private Process? _child;
    private DaemonHost? _daemon;

    public GrpcChannel Channel { get; private set; } = null!;

    /// <summary>Stands in the environment of all that runs, as MARK=...</summary>
    public string Mark { get; } = Guid.NewGuid().ToString("N");

    public string Library => _fixture.Settings().LibraryDirectory;

    /// <summary>Nothing is killed before <see cref="Arm"/>.</summary>
    public static async Task<DoomedDaemon> StartAsync(string point, int times)
    {
        var doomed = new DoomedDaemon();
        doomed._child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Program.Assembly, "daemon", doomed._fixture.Root, point, $"{times}"])
        { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        Assert.Equal("ready", await doomed._child.StandardOutput.ReadLineAsync());
        doomed.Channel = doomed._fixture.Open();
        return doomed;
    }

    public void Arm() => File.WriteAllText(_fixture["armed"], "");

    /// <summary>The calls in turn until the daemon is gone; how many it answered.</summary>
    public async Task<int> CallAsync(IEnumerable<Func<Task>> calls)
    {
        var answered = 0;
        foreach (var call in calls)
        {
            try
            {
                await call();
                answered++;
            }
            catch (RpcException failure) when (failure.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled)
            {
                break;
            }
        }

        return answered;
    }

    /// <summary>Waits for the kill, and starts again.</summary>
    public async Task ReturnAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await _child!.WaitForExitAsync(patience.Token);
        Assert.Equal(128 + 9, _child.ExitCode);
        Channel.Dispose();
        _daemon = await _fixture.StartAsync();
        Channel = _fixture.Open();
    }

    /// <summary>Processes that carry the mark, by the value of a variable of their environment.</summary>
    public ILookup<string, int> Running(string variable) => Directory.EnumerateDirectories("/proc")
        .Select(path => (Id: int.TryParse(Path.GetFileName(path), out var id) ? id : 0, Variables: Variables(path)))
        .Where(process => process.Id > 0 && process.Variables.Contains($"MARK={Mark}"))
        .ToLookup(process => process.Variables.First(text => text.StartsWith(variable + "=", StringComparison.Ordinal))[(variable.Length + 1)..], process => process.Id);

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        if (_child is { HasExited: false } child)
        {
            child.Kill();
            await child.WaitForExitAsync();
        }

        _child?.Dispose();
        await (_daemon?.DisposeAsync() ?? ValueTask.CompletedTask);
        foreach (var id in Running("MARK").SelectMany(group => group))
        {
            Process.GetProcessById(id).Kill();
        }

        _fixture.Dispose();
    }

    private static string[] Variables(string process)
    {
        try
        {
            return File.ReadAllText(process + "/environ").Split('\0');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
