using Auraed.Store;
using Auraed.Store.Journal;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>The files of a database at a moment at which it is in use, and what is in its journal.</summary>
internal static class LiveDirectory
{
    /// <summary>The options of a database that commits nothing by itself: what is acknowledged is in the journal alone.</summary>
    public static DatabaseOptions Uncommitting(StoreFixture fixture) => fixture.Options with { LazyCommitIdle = TimeSpan.FromMinutes(10), LazyCommitTimeMax = TimeSpan.FromMinutes(10) };

    /// <summary>
    /// After so many units; nothing but the beginning is committed, unless it is settled. No log is on its way into the file, which would be of no one moment then: it needs the log to the last bit.
    /// </summary>
    public static async Task<CrashFiles> MakeAsync(StoreFixture fixture, int units, bool settle = false)
    {
        await using var database = Database.Open(Uncommitting(fixture) with { LogFramesBusy = int.MaxValue });
        for (var number = 0; number < units; number++)
        {
            _ = await StoreChild.AppendAsync(database, "journal", 2500);
        }

        if (settle)
        {
            await database.SettleAsync(CancellationToken.None);
        }

        using (await WriterBlock.HoldAsync(database))
        {
            return await ReadAllAsync(fixture);
        }
    }

    /// <summary>The files as they are.</summary>
    public static async Task<CrashFiles> ReadAllAsync(StoreFixture fixture)
    {
        var journal = new Dictionary<string, byte[]>();
        foreach (var segment in JournalFiles.List(fixture.Library))
        {
            journal.Add(Path.GetFileName(segment.Path), await ReadAsync(segment.Path));
        }

        var log = fixture.DatabasePath + "-wal";
        return new CrashFiles(await ReadAsync(fixture.DatabasePath), File.Exists(log) ? await ReadAsync(log) : null, journal);
    }

    /// <summary>Every record: its segment, where it is, and how long its changes are.</summary>
    public static List<(string Name, int Offset, int Length)> Records(CrashFiles files)
    {
        var found = new List<(string, int, int)>();
        foreach (var (name, bytes) in files.Journal.OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            var offset = (int)JournalFormat.Align(JournalFormat.SegmentHeaderBytes);
            while (offset < bytes.Length && RecordHeader.TryRead(bytes.AsSpan(offset), out var header))
            {
                found.Add((name, offset, header.Length));
                offset = (int)JournalFormat.Align(offset + JournalFormat.RecordHeaderBytes + header.Length);
            }
        }

        return found;
    }

    /// <summary>The same with one bit of a segment's byte turned.</summary>
    public static CrashFiles Flipped(CrashFiles files, string name, int at, Random random)
    {
        var damaged = (byte[])files.Journal[name].Clone();
        damaged[at] ^= (byte)(1 << random.Next(8));
        return files with { Journal = new Dictionary<string, byte[]>(files.Journal) { [name] = damaged } };
    }

    private static async Task<byte[]> ReadAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes);
        return bytes;
    }
}
