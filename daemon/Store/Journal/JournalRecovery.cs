using Auraed.Base;

namespace Auraed.Store.Journal;

/// <summary>
/// From what a stop or a crash left to a database that stands alone, and from there to a new epoch. Each step may be cut off and is done again:
/// changes, their number and the mark that no journal is needed are one transaction, and files go only after it is durable.
/// </summary>
internal static class JournalRecovery
{
    /// <summary>
    /// Takes everything acknowledged out of the journal beside the file, and removes the journal. Does nothing where there is none.
    /// Fault(Corrupt) JOURNAL_DAMAGED, JOURNAL_GAP, JOURNAL_MISFIT, JOURNAL_MISSING, JOURNAL_NEWER, and then nothing was changed; as of <see cref="Connection.Fold"/>, and then the
    /// journal stays and the next start goes on.
    /// </summary>
    public static void Run(Connection connection, DatabaseOptions options, StoreKey key)
    {
        var position = JournalPosition.Read(connection);
        var names = JournalFiles.List(options.Directory);
        if (names.Count == 0 && !position.IsOpen)
        {
            DeleteSpares(options);
            return;
        }

        var databaseId = DatabaseId(connection);
        CheckNewer(names, position, key, databaseId);
        CrashPoint.Reach("recovery.before");
        if (position.IsOpen)
        {
            // As much as the writer had for the same rows: with less, leaves of indexes are written and read back in the middle.
            connection.Execute($"PRAGMA cache_size = -{Limits.StoreWriteCacheWideKibibytes}");
            var found = Replay(connection, options, key, databaseId, position with { IsOpen = false, Group = long.MaxValue });
            connection.Execute($"PRAGMA cache_size = -{Limits.StoreWriteCacheKibibytes}");
            options.Recovered?.Invoke(found);
        }

        // What says that no journal is needed may itself have been cut off before its sync.
        connection.SyncLog();
        // Behind what was done again may lie frames of commits that the journal made up for. As long as it is there, nobody takes them for acknowledged ones behind damage.
        connection.Fold();
        CrashPoint.Reach("recovery.folded");
        Remove(names, options);
        CrashPoint.Reach("recovery.done");
    }

    /// <summary>
    /// Does the groups of the journal in a transaction, as <see cref="Run"/> does, hands the state and what was found to <paramref name="look"/>, and takes it all back. Faults as of that; no file changes
    /// but the engine's log, where frames of no commit may be left behind the last one.
    /// </summary>
    public static void Rehearse(Connection connection, DatabaseOptions options, StoreKey key, Action<RecoveryReport> look)
    {
        connection.BeginRawWrites();
        try
        {
            connection.BeginWrite();
            connection.EndUnit();
            var position = JournalPosition.Read(connection);
            if (JournalFiles.List(options.Directory) is { Count: > 0 } names)
            {
                CheckNewer(names, position, key, DatabaseId(connection));
            }

            look(position.IsOpen ? ReadAll(connection, Segments(options, position), key, DatabaseId(connection), position, long.MaxValue).Found : default);
        }
        finally
        {
            connection.EndUnit();
            if (!connection.IsIdle)
            {
                connection.Execute("ROLLBACK");
            }

            connection.EndRawWrites();
        }
    }

    /// <summary>Begins a new epoch on a database that stands alone; returns its journal.</summary>
    public static JournalAppender Start(Connection connection, DatabaseOptions options, StoreKey key, byte[] databaseId)
    {
        connection.Fold();
        var epoch = JournalPosition.Read(connection).Epoch + 1;
        CrashPoint.Reach("journal.starting");
        var appender = new JournalAppender(options.JournalFiles, options.Directory, key, databaseId, epoch, options.JournalSegmentBytes);
        try
        {
            connection.BeginWrite();
            new JournalPosition(epoch, 0, IsOpen: true).Write(connection);
            connection.Commit();
            connection.EndUnit();
            // From here on the engine's log holds nothing that the journal does not hold too.
            connection.Fold();
            connection.Execute("PRAGMA synchronous = NORMAL");
            CrashPoint.Reach("journal.started");
            return appender;
        }
        catch
        {
            appender.Dispose();
            throw;
        }
    }

    /// <summary>Does the groups after the database's own again, up to <paramref name="target"/>'s, and commits them with that position.</summary>
    public static RecoveryReport Replay(Connection connection, DatabaseOptions options, StoreKey key, byte[] databaseId, JournalPosition target)
    {
        var position = JournalPosition.Read(connection);
        var names = Segments(options, position);
        connection.BeginRawWrites();
        try
        {
            connection.BeginWrite();
            connection.EndUnit();
            var (group, found) = ReadAll(connection, names, key, databaseId, position, target.Group);
            if (target.IsOpen && group != target.Group)
            {
                throw new Fault(FaultKind.Corrupt, $"the journal ends with group {group}, and group {target.Group} was written", hint: "check the disk: dmesg") { Reason = "JOURNAL_GAP" };
            }

            (target with { Group = group }).Write(connection);
            CrashPoint.Reach("recovery.commit");
            connection.Commit();
            CrashPoint.Reach("recovery.committed");
            return found;
        }
        catch
        {
            connection.EndUnit();
            if (!connection.IsIdle)
            {
                connection.Execute("ROLLBACK");
            }

            throw;
        }
        finally
        {
            connection.EndUnit();
            connection.EndRawWrites();
        }
    }

    /// <summary>The journal of the database's own epoch. Fault(Corrupt) JOURNAL_MISSING when none of it is there.</summary>
    private static List<SegmentName> Segments(DatabaseOptions options, JournalPosition position)
    {
        var names = JournalFiles.List(options.Directory).Where(name => name.Epoch == position.Epoch).ToList();
        return names.Count > 0
            ? names
            : throw new Fault(FaultKind.Corrupt, Missing(position), hint: "put the aurae.journal-* files back beside aurae.db, or auraed restore of the last backup") { Reason = "JOURNAL_MISSING" };
    }

    /// <summary>What is wrong with a database at this position that stands alone.</summary>
    public static string Missing(JournalPosition position) =>
        $"the database goes on in a journal ({Path.GetFileName(JournalFiles.PathOf(".", position.Epoch, 1))} or later) that is not beside it; what was acknowledged last is in there";

    private static (long Group, RecoveryReport Found) ReadAll(
        Connection connection, List<SegmentName> names, StoreKey key, byte[] databaseId, JournalPosition position, long upTo)
    {
        var replay = new ChangeReplay(connection, new TableShapes(connection));
        var seam = new EventSeam(connection);
        var (group, sequence) = (position.Group, seam.Sequence);
        var count = 0L;
        using var reader = new JournalReader(names, key, databaseId, position.Epoch);
        _ = reader.Read((in RecordHeader header, ReadOnlySpan<byte> changes) =>
        {
            if (header.Number <= position.Group || header.Number > upTo)
            {
                return;
            }

            if (header.NumberBefore != group || header.SequenceBefore != sequence)
            {
                throw new Fault(
                    FaultKind.Corrupt, $"the journal goes on after group {header.NumberBefore} and event {header.SequenceBefore}, and the database ends with group {group} and event {sequence}: what lies between is gone",
                    hint: "put back every aurae.journal-* file and the aurae.db-wal that stood beside this aurae.db, or auraed restore of the last backup")
                {
                    Reason = "JOURNAL_GAP",
                };
            }

            replay.Apply(changes, header.Number);
            (group, sequence) = (header.Number, header.Sequence);
            count++;
            CrashPoint.Reach("recovery.group");
        });
        if (seam.Finding(connection, sequence) is { } finding)
        {
            throw new Fault(FaultKind.Corrupt, $"the events of the journal do not continue those of the database: {finding}", hint: "auraed restore of the last backup") { Reason = "EVENT_CHAIN_BROKEN" };
        }

        return (group, new RecoveryReport(count, reader.TailBytes));
    }

    /// <summary>A journal of a later epoch than the database knows is either one whose beginning was cut off, and empty, or belongs to a later state of it.</summary>
    private static void CheckNewer(List<SegmentName> names, JournalPosition position, StoreKey key, byte[] databaseId)
    {
        foreach (var epoch in names.Where(name => name.Epoch > position.Epoch).GroupBy(name => name.Epoch))
        {
            using var reader = new JournalReader([.. epoch], key, databaseId, epoch.Key);
            if (epoch.Count() > 1 || !reader.IsEmpty())
            {
                throw new Fault(
                    FaultKind.Corrupt, $"the journal beside the database is of epoch {epoch.Key}, and the database only knows {position.Epoch}: it is an older copy, or its own log is gone",
                    hint: "put the aurae.db (and -wal) back that the journal belongs to; or, to go on with the older one, move aurae.journal-* aside")
                {
                    Reason = "JOURNAL_NEWER",
                };
            }
        }
    }

    private static void Remove(List<SegmentName> names, DatabaseOptions options)
    {
        foreach (var name in names)
        {
            options.JournalFiles.Delete(name.Path);
            CrashPoint.Reach("recovery.removed");
        }

        DeleteSpares(options);
        options.JournalFiles.SyncDirectory(Path.GetFullPath(options.Directory));
    }

    private static void DeleteSpares(DatabaseOptions options)
    {
        foreach (var spare in JournalFiles.SparePathsOf(options.Directory))
        {
            options.JournalFiles.Delete(spare);
        }
    }

    private static byte[] DatabaseId(Connection connection)
    {
        var text = connection.QueryTexts("SELECT value FROM meta WHERE key = 'database_id'");
        return text is [{ Length: 2 * JournalFormat.IdBytes } id] ? Convert.FromHexString(id) : throw new Fault(FaultKind.Corrupt, "the database has no id", hint: "auraed restore of the last backup") { Reason = "DATABASE_DAMAGED" };
    }
}
