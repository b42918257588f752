using System.Diagnostics;
using Auraed.Store;

namespace Auraed.Tests.Faults;

/// <summary>
/// The process that is killed. It does one job on a library directory, says each acknowledged unit on its standard output, and kills
/// itself with SIGKILL when it reaches the named point for the n-th time.
/// </summary>
internal static class StoreChild
{
    public const int EventsPerUnit = 2;

    /// <summary>The exit code of a job that the store refused with a fault.</summary>
    public const int Refused = 65;

    /// <summary>The engine's code for a disk without room.</summary>
    private const int DiskFull = 13;
    private static readonly Lock Saying = new();

    /// <param name="arguments">Durability (wal when it is left out), job, library directory, key file, crash point (or none), which time, and what the job needs.</param>
    public static int Run(string[] arguments)
    {
        var isNamed = Enum.TryParse<Durability>(arguments[0], out var durability);
        arguments = isNamed ? arguments[1..] : arguments;
        var (job, directory, key, point) = (arguments[0], arguments[1], arguments[2], arguments[3]);
        var times = int.Parse(arguments[4], null);
        var reached = 0;
        CrashPoint.Hook = name =>
        {
            if (name == point && Interlocked.Increment(ref reached) == times)
            {
                Process.GetCurrentProcess().Kill();
                Thread.CurrentThread.Join();
            }
        };
        var options = new DatabaseOptions
        {
            Directory = directory,
            KeyPath = key,
            Durability = durability,
            JournalSegmentBytes = Support.StoreFixture.JournalSegmentBytes,
            LogFramesBusy = Support.StoreFixture.LogFramesBusy,
            PagesKeptMax = Support.StoreFixture.PagesKeptMax, WidePagesMin = Support.StoreFixture.PagesKeptMax,
        };
        switch (job)
        {
            case "write":
                WriteAsync(options, streams: 8, units: int.Parse(arguments[5], null)).GetAwaiter().GetResult();
                break;
            case "burst":
                BurstAsync(options with { LazyCommitIdle = TimeSpan.FromMinutes(10), LazyCommitTimeMax = TimeSpan.FromMinutes(10) }, int.Parse(arguments[5], null)).GetAwaiter().GetResult();
                break;
            case "pinned":
                PinnedAsync(options with { JournalBytesMax = Support.StoreFixture.JournalBytesMax }, int.Parse(arguments[5], null)).GetAwaiter().GetResult();
                break;
            case "mixed":
                MixedAsync(options, int.Parse(arguments[5], null)).GetAwaiter().GetResult();
                break;
            case "full":
                FullAsync(options, int.Parse(arguments[5], null)).GetAwaiter().GetResult();
                break;
            case "open on a full disk":
                return OpenFull(options, int.Parse(arguments[5], null));
            case "history":
                HistoryChild.RunAsync(options, int.Parse(arguments[5], null), bool.Parse(arguments[6]), Say).GetAwaiter().GetResult();
                break;
            case "open":
                Database.Open(options).DisposeAsync().AsTask().GetAwaiter().GetResult();
                break;
            case "backup":
                BackupAsync(options, arguments[5]).GetAwaiter().GetResult();
                break;
            case "restore":
                Maintenance.Restore(options, arguments[5], null, CancellationToken.None);
                break;
            case "rekey":
                Maintenance.Rekey(options, arguments[5], null, CancellationToken.None);
                break;
            case "retain":
                RetainAsync(options, arguments[5], arguments[6]).GetAwaiter().GetResult();
                break;
            case "migrate":
                MigrateAsync(options).GetAwaiter().GetResult();
                break;
            default:
                return 64;
        }

        return 0;
    }

    /// <summary>The steps of the job "migrate": the embedded ones, and one more.</summary>
    public static IReadOnlyList<Migration> Extended =>
        [.. Migration.Embedded, Migration.Parse(Migration.Embedded.Count + 1, "extra", "CREATE TABLE extra (a INTEGER PRIMARY KEY) STRICT; INSERT INTO extra VALUES (1), (2);", "DROP TABLE extra;")];

    private static async Task WriteAsync(DatabaseOptions options, int streams, int units)
    {
        await using var database = Database.Open(options);
        Say("ready");
        await Task.WhenAll(Enumerable.Range(0, streams).Select(stream => StreamAsync(database, stream, units)));
        // An idle writer moves the log into the file.
        await database.CheckpointAsync(CancellationToken.None);
    }

    /// <summary>Writes one after the other, so fast that the writer is never idle.</summary>
    private static async Task BurstAsync(DatabaseOptions options, int units)
    {
        await using var database = Database.Open(options);
        await StreamAsync(database, 0, units);
    }

    /// <summary>A reader keeps everything out of the file.</summary>
    private static async Task PinnedAsync(DatabaseOptions options, int units)
    {
        await using var database = Database.Open(options);
        using var reader = await Support.ReaderBlock.HoldAsync(database);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(stream => StreamAsync(database, stream, units)));
    }

    /// <summary>Groups that a record of the journal cannot tell, and others between them.</summary>
    private static async Task MixedAsync(DatabaseOptions options, int rounds)
    {
        await using var database = Database.Open(options);
        for (var round = 0; round < rounds; round++)
        {
            await StreamAsync(database, round, 4);
            Say("ack " + await AppendAsync(database, "large", 1 + (Auraed.Base.Limits.StoreJournalRecordBytesMax / EventsPerUnit)));
            await StreamAsync(database, round, 4);
            Say("ack " + await AppendAsync(database, "schema", 100, $"CREATE TABLE more_{Guid.NewGuid():N} (a INTEGER) STRICT"));
        }
    }

    /// <summary>
    /// What was acknowledged is in the journal alone when the disk fills under the commit of it. Then it is done again: without room at first, and with it at last.
    /// </summary>
    private static async Task FullAsync(DatabaseOptions options, int units)
    {
        FaultLayer.Install();
        await using var database = Database.Open(FaultLayer.Under(options) with { LazyCommitIdle = TimeSpan.FromMinutes(10), LazyCommitTimeMax = TimeSpan.FromMinutes(10) });
        await StreamAsync(database, 0, units);
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            FaultLayer.Plan(FaultLayer.Write, attempt, true, DiskFull, true);
            try
            {
                await database.SettleAsync(CancellationToken.None);
                throw new InvalidOperationException("there was room");
            }
            catch (Auraed.Base.Fault full) when (full.Reason == "DISK_FULL")
            {
                Say($"refused {attempt}");
            }
        }

        FaultLayer.Clear();
        await database.SettleAsync(CancellationToken.None);
        Say("settled");
    }

    /// <summary>Opens with room for so many writes.</summary>
    private static int OpenFull(DatabaseOptions options, int writes)
    {
        FaultLayer.Install();
        FaultLayer.Plan(FaultLayer.Write, writes + 1, true, DiskFull, true);
        try
        {
            Database.Open(FaultLayer.Under(options)).DisposeAsync().AsTask().GetAwaiter().GetResult();
            return 0;
        }
        catch (Auraed.Base.Fault fault)
        {
            Console.Error.WriteLine(fault.Reason);
            return Refused;
        }
    }

    private static async Task StreamAsync(Database database, int stream, int units)
    {
        for (var number = 0; number < units; number++)
        {
            Say("ack " + await AppendAsync(database, $"{stream}", 200 + (number % 3000)));
        }
    }

    /// <summary>One unit of two events; returns its revision.</summary>
    /// <param name="sql">A statement of the same unit.</param>
    public static Task<long> AppendAsync(Database database, string subject, int payloadBytes, string? sql = null) => database.WriteAsync(
        unit =>
        {
            if (sql is not null)
            {
                _ = unit.Prepare(sql).Execute();
            }

            return Append(unit, subject, payloadBytes);
        },
        CancellationToken.None);

    /// <summary>What one unit writes. Its revision.</summary>
    public static long Append(WriteUnit unit, string subject, int payloadBytes)
    {
        var payload = new byte[payloadBytes];
        for (var index = 0; index < EventsPerUnit; index++)
        {
            unit.Events.Append("default", "tester", null, "test.created", subject, payload);
        }

        return unit.Revision;
    }

    private static async Task BackupAsync(DatabaseOptions options, string destination)
    {
        await using var database = Database.Open(options);
        Say("ready");
        await database.BackupAsync(destination, null, CancellationToken.None);
        Say("backed up");
    }

    private static async Task RetainAsync(DatabaseOptions options, string archive, string replayed)
    {
        await using var database = Database.Open(options);
        await RetentionCrashes.RunAsync(database, archive, replayed);
    }

    private static async Task MigrateAsync(DatabaseOptions options)
    {
        await using var database = Database.Open(options with { Migrations = Extended });
        Say("migrated");
    }

    private static void Say(string line)
    {
        lock (Saying)
        {
            Console.Out.WriteLine(line);
            Console.Out.Flush();
        }
    }
}
