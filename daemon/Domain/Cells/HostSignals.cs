using System.Runtime.CompilerServices;
using Auraed.Supervise;

namespace Auraed.Domain.Cells;

/// <summary>A signal that was sent; the process as the host numbers it.</summary>
public readonly record struct HostSignal(int Number, int ProcessId);

/// <summary>The signals that are sent on this host, or to the processes of one cell.</summary>
public sealed class HostSignals(SignalTrace trace, SupervisorSeat seat)
{
    /// <summary>
    /// From now on, until it is disposed. Of a cell: its processes, without those of cells within it; one that is not allocated may be later.
    /// Fault(Unimplemented), in upstream's words, where the kernel does not tell. Fault(Precondition) without the seat: the trace of this database is the holder's.
    /// </summary>
    public SignalStream Follow(CellName? cell)
    {
        seat.Require();
        return new(trace.Follow(cell is { } name ? CellProcesses.ProcessesNodeOf(name.Text) : null));
    }
}

/// <summary>The signals that one caller is told.</summary>
public sealed class SignalStream : IDisposable
{
    private readonly SignalFollower _follower;

    internal SignalStream(SignalFollower follower) => _follower = follower;

    /// <summary>Fault(Exhausted) when signals are missing, as the caller or the daemon was too slow.</summary>
    public async IAsyncEnumerable<HostSignal> ReadAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (SentSignal sent in _follower.ReadAsync(cancel).ConfigureAwait(false))
        {
            yield return new HostSignal(sent.Number, sent.ProcessId);
        }
    }

    public void Dispose() => _follower.Dispose();
}
