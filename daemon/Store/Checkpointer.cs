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
    private long _commitsMoved = connection.WalCommits;
    private bool _isCut;

    /// <summary>Frames in the log now.</summary>
    public int Frames => _isCut && HasMovedAll ? 0 : connection.WalFrames;

    /// <summary>
    /// True when the file holds, durably, everything that was committed: no commit came since a checkpoint took the last frame, after which the engine syncs the
    /// file. Commits are counted, as the number of frames may be the same again when the log begins anew.
    /// </summary>
    public bool HasMovedAll => _commitsMoved == connection.WalCommits;

    /// <summary>Checkpoints done.</summary>
    public long Count { get; private set; }

    public void AfterCommit()
    {
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
        if (!HasMovedAll)
        {
            Run(raw.SQLITE_CHECKPOINT_PASSIVE);
        }
    }

    /// <summary>Everything into the file, and the log cut to nothing.</summary>
    public void Fold() => readers.WhileHeldBack(Limits.StoreReadersHeldBackMax, () => Run(raw.SQLITE_CHECKPOINT_TRUNCATE));

    private void Run(int mode)
    {
        CrashPoint.Reach("checkpoint.before");
        var commits = connection.WalCommits;
        var code = connection.Checkpoint(mode, out var frames, out var moved);
        CrashPoint.Reach("checkpoint.after");
        Count++;
        if (code == raw.SQLITE_OK)
        {
            _moved = moved;
            _isCut = mode == raw.SQLITE_CHECKPOINT_TRUNCATE;
            _commitsMoved = moved == frames ? commits : -1;
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
