using Auraed.Base;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>
/// Decides when frames of the write-ahead log move into the file; called by the writer's thread only, which is the only one that may.
/// Invariants: the log stays bounded even when readers overlap without end, as readers are then held back for one moment.
/// </summary>
internal sealed class Checkpointer(Connection connection, ReaderPool readers)
{
    private int _moved;

    /// <summary>Frames in the log now.</summary>
    public int Frames => LogIsEmpty ? 0 : connection.WalFrames;

    /// <summary>True when the file holds, durably, everything that was committed.</summary>
    public bool HasMovedAll => Frames == _moved;

    /// <summary>Cut to nothing, and nothing was committed since.</summary>
    private bool LogIsEmpty { get; set; }

    /// <summary>Checkpoints done.</summary>
    public long Count { get; private set; }

    public void AfterCommit()
    {
        LogIsEmpty = false;
        var frames = connection.WalFrames;
        if (frames < _moved)
        {
            // The log began again.
            _moved = 0;
        }

        if (frames >= Limits.StoreWalFramesMax)
        {
            readers.WhileHeldBack(Limits.StoreReadersHeldBackMax, () => Run(raw.SQLITE_CHECKPOINT_RESTART));
        }
        else if (frames - _moved >= Limits.StoreWalFramesBusy)
        {
            Run(raw.SQLITE_CHECKPOINT_PASSIVE);
        }
    }

    public void WhenIdle()
    {
        if (Frames > _moved)
        {
            Run(raw.SQLITE_CHECKPOINT_PASSIVE);
        }
    }

    /// <summary>Everything into the file, and the log cut to nothing.</summary>
    public void Fold() => readers.WhileHeldBack(Limits.StoreReadersHeldBackMax, () => Run(raw.SQLITE_CHECKPOINT_TRUNCATE));

    private void Run(int mode)
    {
        CrashPoint.Reach("checkpoint.before");
        var code = connection.Checkpoint(mode, out _, out var moved);
        CrashPoint.Reach("checkpoint.after");
        Count++;
        if (code == raw.SQLITE_OK)
        {
            _moved = moved;
            LogIsEmpty = mode == raw.SQLITE_CHECKPOINT_TRUNCATE;
            return;
        }

        // A full disk or a reader in the way: the frames stay in the log, and a later checkpoint takes them.
        if ((code & 0xff) is raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_FULL)
        {
            return;
        }

        throw connection.FaultOf(code, "a checkpoint failed");
    }
}
