using System.Text;

namespace Auraed.Tests.Faults;

/// <summary>What a disk keeps of what was written before the power failed.</summary>
internal enum CrashDisk
{
    /// <summary>What was synced, and of the rest any part in any order.</summary>
    Honest,

    /// <summary>Nothing: it lies about syncs.</summary>
    Lying,

    /// <summary>Everything in order, as a snapshot of the volume at that moment does.</summary>
    Snapshot,
}

/// <summary>
/// What a disk may hold after a power cut: everything synced, and of what was not, any part in any order, torn at sectors of 512 bytes.
/// </summary>
internal sealed class CrashImage(byte[] database, byte[] log)
{
    private const int SectorBytes = 512;

    /// <param name="records">The journal from the state given to the constructor.</param>
    /// <param name="cut">The power fails after so many records.</param>
    public CrashFiles Build(IReadOnlyList<JournalRecord> records, int cut, Random random, CrashDisk disk = CrashDisk.Honest) => new(
        One(database, records, 0, cut, random, disk) ?? [], One(log, records, 1, cut, random, disk), Others(records, cut, random, disk));

    /// <summary>The marks made before the power failed: what the caller had been told.</summary>
    public static List<long> Marks(IReadOnlyList<JournalRecord> records, int cut) =>
        [.. records.Take(cut).Where(record => record.Kind == JournalKind.Mark).Select(record => record.Value)];

    /// <summary>
    /// The segments of the journal by name. A disk keeps changes of names in order, those that were synced and some of the rest.
    /// </summary>
    private static Dictionary<string, byte[]> Others(IReadOnlyList<JournalRecord> records, int cut, Random random, CrashDisk disk)
    {
        var changes = records.Take(cut).Where(record => record.Kind is JournalKind.Create or JournalKind.Rename or JournalKind.Remove or JournalKind.SyncNames).ToList();
        var synced = Synced(changes, JournalKind.SyncNames, disk);
        var names = new Dictionary<string, int>();
        foreach (var record in changes.Take(synced + random.Next(changes.Count - synced + 1)))
        {
            var parts = Encoding.UTF8.GetString(record.Data).Split('\0');
            switch (record.Kind)
            {
                case JournalKind.Create:
                    names[parts[0]] = record.File;
                    break;
                case JournalKind.Rename:
                    names[parts[1]] = names[parts[0]];
                    _ = names.Remove(parts[0]);
                    break;
                case JournalKind.Remove:
                    _ = names.Remove(parts[0]);
                    break;
                default:
                    break;
            }
        }

        return names.ToDictionary(pair => Path.GetFileName(pair.Key), pair => One([], records, pair.Value, cut, random, disk) ?? []);
    }

    private static byte[]? One(byte[] start, IReadOnlyList<JournalRecord> records, int file, int cut, Random random, CrashDisk disk)
    {
        var mine = records.Take(cut).Where(record => record.File == file && record.Kind is (JournalKind.Write or JournalKind.Truncate or JournalKind.Sync or JournalKind.Delete)).ToList();
        var synced = Synced(mine, JournalKind.Sync, disk);
        var content = new MemoryStream();
        content.Write(start);
        foreach (var record in mine.Take(synced))
        {
            Apply(content, record, null);
        }

        var rest = mine.Skip(synced).Where(record => record.Kind != JournalKind.Sync && random.Next(3) != 0 && disk == CrashDisk.Honest).ToList();
        if (random.Next(2) == 0)
        {
            rest = [.. rest.OrderBy(_ => random.Next())];
        }

        foreach (var record in rest)
        {
            Apply(content, record, random.Next(3) == 0 ? random : null);
        }

        return content.Length == 0 ? null : content.ToArray();
    }

    /// <summary>How many of the changes are there for certain.</summary>
    private static int Synced(List<JournalRecord> changes, JournalKind sync, CrashDisk disk) => disk switch
    {
        CrashDisk.Honest => changes.FindLastIndex(record => record.Kind == sync) + 1,
        CrashDisk.Lying => 0,
        CrashDisk.Snapshot => changes.Count,
        _ => throw new ArgumentOutOfRangeException(nameof(disk), disk, null),
    };

    private static void Apply(MemoryStream content, JournalRecord record, Random? tear)
    {
        switch (record.Kind)
        {
            case JournalKind.Write when tear is null:
                Write(content, record.Value, record.Data);
                break;
            case JournalKind.Write:
                for (var at = 0; at < record.Data.Length;)
                {
                    // Sectors are the disk's, not the write's.
                    var length = Math.Min(SectorBytes - (int)((record.Value + at) % SectorBytes), record.Data.Length - at);
                    if (tear.Next(2) == 0)
                    {
                        Write(content, record.Value + at, record.Data.AsSpan(at, length));
                    }

                    at += length;
                }

                break;
            case JournalKind.Truncate:
                content.SetLength(record.Value);
                break;
            case JournalKind.Delete:
                content.SetLength(0);
                break;
            default:
                break;
        }
    }

    private static void Write(MemoryStream content, long offset, ReadOnlySpan<byte> data)
    {
        content.Position = offset;
        content.Write(data);
    }
}

/// <summary>What a disk holds.</summary>
/// <param name="Log">Null when there is none.</param>
/// <param name="Journal">By name.</param>
internal sealed record CrashFiles(byte[] Database, byte[]? Log, IReadOnlyDictionary<string, byte[]> Journal)
{
    public async Task PlaceAsync(string path)
    {
        var directory = Path.GetDirectoryName(path)!;
        foreach (var old in Directory.EnumerateFiles(directory, "aurae.journal-*"))
        {
            File.Delete(old);
        }

        File.Delete(path + "-wal");
        File.Delete(path + "-shm");
        await File.WriteAllBytesAsync(path, Database);
        if (Log is not null)
        {
            await File.WriteAllBytesAsync(path + "-wal", Log);
        }

        foreach (var (name, content) in Journal)
        {
            await File.WriteAllBytesAsync(Path.Combine(directory, name), content);
        }
    }
}
