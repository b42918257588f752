using System.Buffers.Binary;
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

    /// <summary>The same with a journal of the format's first version, whose segments do not say how long they are.</summary>
    public static CrashFiles OfFirstVersion(CrashFiles files, StoreFixture fixture)
    {
        using var server = ServerKey.Load(fixture.KeyPath);
        using var key = new StoreKey(server);
        var journal = files.Journal.ToDictionary(file => file.Key, file => (byte[])file.Value.Clone());
        var tag = new byte[JournalFormat.TagBytes];
        var records = Records(files);
        foreach (var (name, bytes) in journal.OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            var header = SegmentHeader.Read(bytes)!;
            using var cipher = new JournalCipher(key, header.DatabaseId, header.Epoch, header.Salt);
            (header with { TagBefore = tag, Bytes = 0 }).Write(bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), JournalFormat.VersionWithoutBytes);
            cipher.Seal(bytes.AsSpan(0, JournalFormat.SegmentHeaderBytes), header.Number);
            tag = bytes[JournalFormat.SegmentSealedBytes..(JournalFormat.SegmentSealedBytes + JournalFormat.TagBytes)];
            foreach (var (_, offset, length) in records.Where(record => record.Name == name))
            {
                var record = bytes.AsSpan(offset, JournalFormat.RecordHeaderBytes + length);
                Assert.True(RecordHeader.TryRead(record, out var said));
                var changes = new byte[length];
                Assert.True(cipher.TryOpen(record, said.Number, header.Number, offset, changes));
                tag.CopyTo(record[40..]);
                changes.CopyTo(record[JournalFormat.RecordHeaderBytes..]);
                cipher.Seal(record, said.Number, header.Number, offset);
                tag = record.Slice(JournalFormat.RecordSealedBytes, JournalFormat.TagBytes).ToArray();
            }
        }

        return files with { Journal = journal };
    }

    /// <summary>The same with a segment of which so many bytes are left.</summary>
    public static CrashFiles Cut(CrashFiles files, string name, int left) =>
        files with { Journal = new Dictionary<string, byte[]>(files.Journal) { [name] = files.Journal[name][..left] } };

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
