using System.Diagnostics;
using Auraed.Base;

namespace Auraed.Store.Journal;

/// <summary>
/// Groups become durable as one record of the journal; the transaction that they run in stays open and is committed, without a sync, when it is old or
/// large, when nobody comes, or when a reader needs it. Invariants: a group is answered only when its record is on the disk; a COMMIT holds whole
/// groups that are; each bears the number of the last one, so that after a crash the journal's later records make up for what the disk forgot; what
/// no record can tell (a change of the schema, a group of more than a record's bytes) is committed and synced at once.
/// </summary>
internal sealed class JournalGroups : IGroupLog
{
    private readonly Connection _connection;
    private readonly Checkpointer _checkpointer;
    private readonly PendingGroups _pending;
    private readonly DatabaseOptions _options;
    private readonly StoreKey _key;
    private readonly byte[] _databaseId;
    private readonly TableShapes _shapes;
    private readonly ChangeCapture _capture;
    private readonly JournalAppender _appender;
    private readonly JournalSealer _sealer;
    private readonly LogWriteBack _writeBack;
    private readonly GroupNews _news;
    private readonly WriterCounts _counts;
    private long _group;
    private long _sequence;
    private (long Group, long Sequence) _before;
    private long _pendingBytes;
    private long _bytesPerPage = Limits.StoreLazyCommitBytesFirst / Limits.StoreLazyCommitPagesMax;
    private long _pendingSince;
    private long _wideSeen = long.MinValue / 2;
    private int _writtenAhead;
    private int _units;
    private bool _isLost;
    private bool _isRefused;
    private bool _hadBulk;
    private bool _wasTakenBack;

    public JournalGroups(Connection connection, Checkpointer checkpointer, PendingGroups pending, DatabaseOptions options, StoreKey key, string databaseId, long sequence, GroupNews news, WriteQueue queue)
    {
        _connection = connection;
        _checkpointer = checkpointer;
        _pending = pending;
        _options = options;
        _key = key;
        _databaseId = Convert.FromHexString(databaseId);
        _sequence = sequence;
        _news = news;
        _counts = news.Counts;
        _appender = JournalRecovery.Start(connection, options, key, _databaseId);
        _shapes = new TableShapes(connection);
        _capture = new ChangeCapture(connection, _shapes);
        connection.Changes = _capture;
        _sealer = new JournalSealer(_appender, pending, news, queue);
        _writeBack = new LogWriteBack(DatabaseFile.PathIn(options.Directory) + "-wal");
    }

    public TimeSpan WaitMax => !HasPending ? Limits.StoreIdleMax : _isRefused ? _options.LazyCommitTimeMax : _options.LazyCommitIdle;

    public bool IsBroken { get; private set; }

    public Fault? Failure => _checkpointer.Failure ?? _sealer.Failure;

    public bool IsSealing => _sealer.IsBusy;

    public bool IsWorkDue => !HasPending || IsCommitDue || _appender.Bytes > _options.JournalBytesMax;

    public int GroupCountWanted => Limits.StoreGroupCountWanted;

    public bool IsWide => Stopwatch.GetElapsedTime(_wideSeen) < Limits.StoreWideRest;

    /// <summary>Groups that are durable, or on their way, and not committed.</summary>
    private bool HasPending => _group > _pending.Committed;

    private bool IsCommitDue => HasPending
        && (_pending.IsWanted || (!_isLost && (_checkpointer.IsCommitWanted || _pendingBytes >= CommitBytes || Stopwatch.GetElapsedTime(_pendingSince) >= _options.LazyCommitTimeMax)));

    /// <summary>Changes that a commit gathers: as many as touch the pages that it may write, judged by the last one.</summary>
    private long CommitBytes =>
        Math.Clamp(_bytesPerPage * (_hadBulk ? Limits.StoreLazyCommitPagesBulkMax : Limits.StoreLazyCommitPagesMax), Limits.StoreLazyCommitBytesMin, Limits.StoreLazyCommitBytesMax);

    /// <summary>The part of the way to the commit that lies behind: 0 to 1.</summary>
    private double CommitProgress =>
        HasPending ? Math.Min(1, Math.Max((double)_pendingBytes / CommitBytes, Stopwatch.GetElapsedTime(_pendingSince) / _options.LazyCommitTimeMax)) : 0;

    /// <summary>Pages that may wait for the commit: fewer and fewer in the last quarter of the way to it. Those of an ingest are not touched again.</summary>
    private int PagesKept
    {
        get
        {
            var most = Math.Min(IsWide ? Limits.StorePagesKeptWideMax : Limits.StorePagesKeptMax, _options.PagesKeptMax);
            var least = Math.Min(Limits.StorePagesKeptMin, most);
            return _hadBulk || _checkpointer.IsLogLong ? least : least + (int)((most - least) * Math.Min(1, 4 * (1 - CommitProgress)));
        }
    }

    public bool Begin()
    {
        if (_isLost || _sealer.HasRefused)
        {
            _ = TrySettle();
        }

        if (_isLost)
        {
            Replay();
        }

        if (_connection.IsIdle)
        {
            _connection.BeginWrite();
        }

        _capture.Clear();
        _capture.IsOn = true;
        var isWhole = !_wasTakenBack;
        _wasTakenBack = false;
        return isWhole;
    }

    public bool WriteAhead() => WriteAhead(PagesKept, Limits.StoreWriteAheadPages);

    public int Mark() => _capture.Mark();

    public void Undo(int mark) => _capture.Undo(mark);

    public bool Seal(WriteGroup group, bool isAlone)
    {
        if (_capture is { IsWhole: true, IsEmpty: true })
        {
            _capture.IsOn = false;
            Settle();
            if (!HasPending)
            {
                Abandon();
            }

            _news.Tell(group, () => { });
            return true;
        }

        // Full-text indexes hold their rows back until a savepoint or the COMMIT.
        _ = _connection.Prepare("SAVEPOINT seal").Execute();
        _ = _connection.Prepare("RELEASE seal").Execute();
        _capture.IsOn = false;
        while (_sealer.IsBusy && WriteAhead())
        {
        }

        Settle();
        if (!_capture.IsWhole || _capture.Length > Limits.StoreJournalRecordBytesMax)
        {
            SealAtOnce(group);
            return true;
        }

        _units = group.KeptCount;
        var number = _appender.NextNumber();
        var record = new SealedGroup(group, _capture.Buffer, new RecordHeader(_capture.Length - JournalFormat.RecordHeaderBytes, number, _group, _sequence, group.Sequence), [.. _capture.RowMarks]);
        if (isAlone)
        {
            _sealer.SealHere(record);
        }

        if (!HasPending)
        {
            _pendingSince = Stopwatch.GetTimestamp();
        }

        _pendingBytes += _capture.Length;
        _before = (_group, _sequence);
        (_group, _sequence) = (number, group.Sequence);
        if (!isAlone)
        {
            _capture.Leave(_sealer.TakeSpare());
            _sealer.Give(record);
        }

        return isAlone;
    }

    public void Empty(WriteGroup group)
    {
        _capture.IsOn = false;
        if (TrySettle() is { } lost)
        {
            // Whatever else its callers were refused for.
            group.Fail(lost);
        }
        else if (!HasPending)
        {
            Abandon();
        }
    }

    public void Abandon()
    {
        _capture.IsOn = false;
        _connection.ResetUnit();
        if (!_connection.IsIdle)
        {
            _ = _connection.Prepare("ROLLBACK").Execute();
        }

        _connection.EndUnit();
        _isLost = HasPending;
    }

    public void AfterGroup(bool hadBulk)
    {
        _hadBulk |= hadBulk;
        if (IsCommitDue)
        {
            Rest();
        }
        else if (_appender.Bytes > _options.JournalBytesMax)
        {
            Shorten();
        }
        else if (!HasPending)
        {
            // It was committed at once.
            AfterCommit();
        }
        else
        {
            _checkpointer.BetweenCommits(_hadBulk);
            // There is no time for it elsewhere when the writer never waits: as many as the group may have changed, at least.
            _ = WriteAhead(PagesKept + (PagesKept / 4), Math.Max(2 * Limits.StoreWriteAheadPages, 2 * _units));
        }
    }

    public void WhenIdle()
    {
        if (HasPending)
        {
            Rest();
            return;
        }

        _checkpointer.WhenIdle();
        Drop(isIdle: true);
    }

    public void Fold()
    {
        Commit();
        _checkpointer.Fold();
        Drop();
    }

    public void Close()
    {
        Commit();
        _sealer.Dispose();
        CrashPoint.Reach("journal.closing");
        _connection.BeginWrite();
        new JournalPosition(_appender.Epoch, _group, IsOpen: false).Write(_connection);
        _connection.Commit();
        _connection.EndUnit();
        _connection.SyncLog();
        CrashPoint.Reach("journal.closed");
        _checkpointer.Fold();
        _appender.Remove();
        CrashPoint.Reach("journal.removed");
        Release();
    }

    public void Fail(Fault fault)
    {
        _sealer.Dispose();
        _pending.Close(fault);
        Release();
        _appender.Dispose();
    }

    /// <summary>Some of the pages that the commit would have to write while everyone waits, and of which more than so many wait. False when there are none.</summary>
    private bool WriteAhead(int kept, int max)
    {
        var written = _connection.WriteAhead(kept, max);
        _writtenAhead += written;
        if (_writtenAhead >= Limits.StoreWriteBackPages)
        {
            _writtenAhead = 0;
            _writeBack.Start();
        }

        if (written > 0)
        {
            CrashPoint.Reach("ahead.written");
        }

        return written > 0;
    }

    private void Release()
    {
        _connection.Changes = null;
        _capture.Dispose();
        _writeBack.Dispose();
    }

    /// <summary>The time for what may wait: a commit, and what follows from it. A full disk leaves it for later.</summary>
    private void Rest()
    {
        try
        {
            Commit();
            _isRefused = false;
        }
        catch (Fault fault) when (fault.Reason == "DISK_FULL")
        {
            _isRefused = true;
            return;
        }

        AfterCommit();
    }

    private void AfterCommit()
    {
        _checkpointer.AfterCommit(_hadBulk);
        _hadBulk = false;
        Drop();
    }

    /// <summary>Makes what is pending visible to the next snapshot. Fault DISK_FULL leaves it in the journal alone, from where a later one takes it.</summary>
    private void Commit()
    {
        _ = TrySettle();
        if (_isLost)
        {
            Replay();
            return;
        }

        if (!HasPending)
        {
            Abandon();
            return;
        }

        Invariant.Hold(_group <= _pending.Sealed);
        CrashPoint.Reach("lazy.before");
        _pending.BeginCommit();
        var frames = _connection.WalFrames;
        try
        {
            Write(_group);
        }
        catch (Fault refused)
        {
            // The journal has it all: want of room, whatever the engine calls it, leaves nothing in doubt.
            var fault = _connection.ForWantOfRoom(refused, "a commit");
            Abandon();
            _pending.Fail(fault);
            throw fault;
        }

        CrashPoint.Reach("lazy.after");
        // The log may have begun again with this commit.
        var pages = _connection.WalFrames >= frames ? _connection.WalFrames - frames : _connection.WalFrames;
        _wideSeen = pages >= _options.WidePagesMin ? Stopwatch.GetTimestamp() : _wideSeen;
        var bytesPerPage = _pendingBytes / Math.Max(1, pages);
        if (bytesPerPage > _bytesPerPage || CommitProgress > 0.5)
        {
            // One that came early says little: the rows of a longer one share more pages.
            _bytesPerPage = bytesPerPage;
        }

        Committed();
        _writeBack.Start();
    }

    /// <summary>Waits for the group on its way. Fault DISK_FULL: it was refused, and the transaction is taken back to what is durable.</summary>
    private void Settle()
    {
        if (TrySettle() is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>As <see cref="Settle"/>; returns the refusal.</summary>
    private Fault? TrySettle()
    {
        try
        {
            _sealer.Settle();
            return null;
        }
        catch (Fault refusal) when (refusal.Reason == "DISK_FULL")
        {
            (_group, _sequence) = _before;
            _wasTakenBack = true;
            Abandon();
            return refusal;
        }
    }

    /// <summary>What no record can tell is committed and synced.</summary>
    private void SealAtOnce(WriteGroup group)
    {
        var number = _appender.NextNumber();
        _news.Tell(group, () =>
        {
            Write(number, isSynced: true);
            (_group, _sequence) = (number, group.Sequence);
            _pending.Seal(group.Written, [], number);
        });
        Committed();
        _shapes.Load(_connection);
    }

    /// <summary>Ends the transaction with the number of the last group in it; for readers to see at once, and if it is to be synced, only after that.</summary>
    private void Write(long group, bool isSynced = false)
    {
        _capture.IsOn = false;
        new JournalPosition(_appender.Epoch, group, IsOpen: true).Write(_connection);
        if (isSynced)
        {
            _connection.CommitSynced();
        }
        else
        {
            _connection.Commit();
        }

        _connection.EndUnit();
    }

    private void Committed()
    {
        _pendingBytes = 0;
        _counts.Commits++;
        _pending.Commit(_group);
    }

    /// <summary>The transaction was lost with acknowledged groups in it: they are done again out of the journal, and committed.</summary>
    private void Replay()
    {
        _pending.BeginCommit();
        try
        {
            JournalRecovery.Replay(_connection, _options, _key, _databaseId, new JournalPosition(_appender.Epoch, _group, IsOpen: true));
        }
        catch (Fault refused)
        {
            var fault = _connection.ForWantOfRoom(refused, "a commit");
            IsBroken = fault.Reason != "DISK_FULL";
            _pending.Fail(fault);
            throw fault;
        }

        _isLost = false;
        Committed();
    }

    private void Drop(bool isIdle = false)
    {
        if (!HasPending && _checkpointer.HasMovedAll)
        {
            DropCommitted(isIdle);
        }
    }

    /// <summary>What the database holds durably. To rename or remove a file may want space: then it stays for later.</summary>
    private void DropCommitted(bool isIdle = false)
    {
        try
        {
            _appender.Drop(_pending.Committed, isIdle ? 1 : Limits.StoreJournalSparesMax);
        }
        catch (Fault fault) when (fault.Reason == "DISK_FULL")
        {
            // The next checkpoint tries again.
        }
    }

    /// <summary>Checkpoints cannot keep up, or a reader stays long: the engine's log is synced in place of the file, and stands for it.</summary>
    private void Shorten()
    {
        Rest();
        if (_appender.Bytes > _options.JournalBytesMax && !HasPending)
        {
            _checkpointer.Fold();
            Drop();
        }

        if (_appender.Bytes > _options.JournalBytesMax && !HasPending)
        {
            CrashPoint.Reach("journal.shorten");
            _connection.SyncLog();
            CrashPoint.Reach("journal.shortened");
            DropCommitted();
        }
    }
}
