using System.Runtime.InteropServices;
using System.Threading.Channels;
using Auraed.Base;

namespace Auraed.Host;

internal enum DaemonSignal
{
    /// <summary>SIGTERM, SIGINT, or the caller's token.</summary>
    Stop,
    /// <summary>SIGHUP.</summary>
    Reload,
    /// <summary>The daemon itself cannot go on.</summary>
    Failure,
}

/// <summary>What the process is told from outside, as a queue that one loop reads.</summary>
internal sealed class DaemonSignals : IDisposable
{
    private readonly Channel<DaemonSignal> _queue = Channel.CreateBounded<DaemonSignal>(
        new BoundedChannelOptions(Limits.SignalQueueCountMax) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly List<IDisposable> _registrations = [];
    private Task<DaemonSignal>? _next;

    public DaemonSignals(CancellationToken cancel)
    {
        _registrations.Add(Take(PosixSignal.SIGTERM, DaemonSignal.Stop));
        _registrations.Add(Take(PosixSignal.SIGINT, DaemonSignal.Stop));
        _registrations.Add(Take(PosixSignal.SIGHUP, DaemonSignal.Reload));
        _registrations.Add(cancel.Register(() => Post(DaemonSignal.Stop)));
    }

    public void Post(DaemonSignal signal) => _queue.Writer.TryWrite(signal);

    /// <summary>The next signal; asked again before it has come, the same task.</summary>
    public Task<DaemonSignal> NextAsync()
    {
        if (_next is null || _next.IsCompleted)
        {
            _next = _queue.Reader.ReadAsync().AsTask();
        }

        return _next;
    }

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

    private PosixSignalRegistration Take(PosixSignal signal, DaemonSignal meaning) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        Post(meaning);
    });
}
