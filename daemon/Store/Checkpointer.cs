using System.Diagnostics;
using Auraed.Base;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>
/// Decides when frames of the write-ahead log move into the file; called by who has the writer's turn only. A busy writer has most of them moved beside it
/// (<see cref="LogMover"/>) and moves the rest itself, after which the log begins again.
/// Invariants: the log stays bounded even when readers overlap without end, as readers are then held back for one moment; one checkpoint runs at a time.
/// </summary>
/// <param name="connection">The writer's.</param>
/// <param name="readers">Held back when the log would grow without end.</param>
/// <param name="mover">Moves beside the writer.</param>
/// <param name="framesBusy">Frames of a pass.</param>
internal sealed class Checkpointer(Connection connection, ReaderPool readers, LogMover mover, int framesBusy)
{
    /// <summary>Frames of a pass beside a large ingest: 1 MiB.</summary>
    private const int FramesBulk = 256;

    private int _moved;
    private int _seen;
    private bool _isMoving;
    private long _started;
    private long _commitsMoved = connection.WalCommits;
    private bool _isCut;

    /// <summary>Frames in the log now.</summary>
    public int Frames => _isCut && HasMovedAll ? 0 : connection.WalFrames;

    /// <summary>
    /// True when the file holds, durably, everything that was committed: no commit came since a checkpoint took the last frame, after which the engine syncs the
    /// file. Commits are counted, as the number of frames may be the same again when the log begins anew.
    /// </summary>
    public bool HasMovedAll => _commitsMoved == connection.WalCommits;

    /// <summary>Why what was moved beside the writer is not known to be on the disk; null while all is well.</summary>
    public Fault? Failure => mover.Failure;

    /// <summary>True when <see cref="AfterCommit"/> has something to do that takes time.</summary>
    public bool IsDue => connection.WalFrames is var frames && (frames >= Limits.StoreWalFramesMax || (!mover.IsRunning && (_isMoving || frames - _moved >= framesBusy)));

    /// <param name="hadBulk">A part of a large ingest was in it: then more follow, whose frames are moved in small passes, so that no commit's sync waits long behind a pass's.</param>
    public void AfterCommit(bool hadBulk)
    {
        var frames = connection.WalFrames;
        if (frames < _moved)
        {
            // The log began again.
            (_moved, _seen) = (0, 0);
        }

        var added = frames - _seen;
        _seen = frames;

        if (frames >= Limits.StoreWalFramesMax)
        {
            Fold(raw.SQLITE_CHECKPOINT_RESTART);
        }
        else
        {
            MoveBeside(frames, added, FramesWanted(hadBulk));
        }
    }

    /// <summary>True when the log is to begin again. When the file has all of it, it does with what is written next, however many frames the last commit still counts.</summary>
    public bool IsLogLong => connection.WalFrames is var frames && IsLong(frames) && _moved < frames;

    /// <summary>
    /// True when a long log could begin again if what is written now were committed: all that is committed is in the file. The commit is then small, and little is left to move.
    /// </summary>
    public bool IsCommitWanted => _isMoving && !mover.IsRunning && IsLogLong && mover.Moved >= connection.WalFrames;

    /// <summary>Inside a transaction that goes on: has another pass follow one that ended.</summary>
    /// <param name="hadBulk">As in <see cref="AfterCommit"/>.</param>
    public void BetweenCommits(bool hadBulk)
    {
        if (!_isMoving || mover.IsRunning)
        {
            return;
        }

        var frames = connection.WalFrames;
        var moved = mover.Moved ?? _moved;
        var isWorthwhile = moved > _moved || Stopwatch.GetElapsedTime(_started) >= Limits.StorePassRetry;
        if (isWorthwhile && moved < frames && (frames - moved >= FramesWanted(hadBulk) || IsLong(frames)))
        {
            TakePass(frames);
            StartPass();
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
    public void Fold() => Fold(raw.SQLITE_CHECKPOINT_TRUNCATE);

    private void Fold(int mode)
    {
        mover.Wait();
        readers.WhileHeldBack(Limits.StoreReadersHeldBackMax, () => Run(mode));
    }

    private void MoveBeside(int frames, int added, int framesWanted)
    {
        if (mover.IsRunning)
        {
            return;
        }

        var isLong = IsLong(frames);
        var hasEnded = _isMoving;
        if (hasEnded)
        {
            TakePass(frames);
        }

        // What is left after a pass is the last commit at least. In a log that grows all the same, more is moved here.
        var rest = frames >= 5L * Limits.StoreWalPassesMax * framesBusy / 2 ? 2 * added : 0;
        if (hasEnded && isLong && frames - _moved < Math.Max(Limits.StoreWalRestFrames, rest))
        {
            Run(raw.SQLITE_CHECKPOINT_PASSIVE);
            if (_moved < frames)
            {
                // A reader is in the way: BetweenCommits tries again.
                StartPass();
            }
        }
        else if ((hasEnded && isLong) || frames - _moved >= framesWanted)
        {
            StartPass();
        }
    }

    private bool IsLong(int frames) => frames >= (long)Limits.StoreWalPassesMax * framesBusy;

    private int FramesWanted(bool hadBulk) => hadBulk ? Math.Min(framesBusy, FramesBulk) : framesBusy;

    private void StartPass()
    {
        _isMoving = true;
        _started = Stopwatch.GetTimestamp();
        mover.Start();
    }

    private void TakePass(int frames)
    {
        _isMoving = false;
        _moved = Math.Min(mover.Moved ?? _moved, frames);
    }

    private void Run(int mode)
    {
        mover.Wait();
        _isMoving = false;
        CrashPoint.Reach("checkpoint.before");
        var commits = connection.WalCommits;
        var code = connection.Checkpoint(mode, out var frames, out var moved);
        CrashPoint.Reach("checkpoint.after");
        if (code == raw.SQLITE_OK)
        {
            _moved = moved;
            _isCut = mode == raw.SQLITE_CHECKPOINT_TRUNCATE;
            _commitsMoved = moved == frames ? commits : -1;
            return;
        }

        if (!IsHarmless(connection, code))
        {
            throw connection.FaultOf(code, "a checkpoint failed");
        }
    }

    /// <summary>A full disk or a reader in the way: the frames stay in the log, and a later checkpoint takes them.</summary>
    internal static bool IsHarmless(Connection connection, int code) => (code & 0xff) is raw.SQLITE_BUSY or raw.SQLITE_LOCKED || connection.IsFull(code);
}
