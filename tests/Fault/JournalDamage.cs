using System.Buffers.Binary;
using System.Text;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Journal;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>Bits that flip, files that are gone, and files of another time, in and beside the journal.</summary>
public sealed class JournalDamage : IDisposable
{
    private const int Units = 40;
    private readonly StoreFixture _fixture = new(Durability.Journal);
    private readonly Random _random;

    public JournalDamage(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_flipped_bit_in_any_field_of_any_record_but_the_last_refuses_the_open()
    {
        var files = await LiveDirectory.MakeAsync(_fixture, Units);
        var records = LiveDirectory.Records(files);
        Assert.True(files.Journal.Count > 1 && records.Count >= Units);
        foreach (var (name, offset, length) in records.SkipLast(1))
        {
            // Magic, length, number, number before, sequence before, sequence, tag before, tag, changes.
            foreach (var (at, bytes) in new[] { (0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 16), (56, 16), (72, length) })
            {
                await RefusedAsync(files, name, offset + at + _random.Next(bytes));
            }
        }

        await files.PlaceAsync(_fixture.DatabasePath);
        Assert.Equal(2 * Units, await StoreOracle.HoldsAsync(_fixture.Options, []));
    }

    [Fact]
    public async Task A_flipped_bit_in_any_field_of_a_segments_header_refuses_the_open()
    {
        var files = await LiveDirectory.MakeAsync(_fixture, Units);
        foreach (var name in files.Journal.Keys)
        {
            foreach (var (at, bytes) in new[] { (0, 8), (8, 4), (12, 4), (16, 16), (32, 8), (40, 16), (56, 16), (72, 8), (80, 16), (96, 32) })
            {
                await RefusedAsync(files, name, at + _random.Next(bytes));
            }
        }
    }

    [Fact]
    public async Task A_file_with_a_journal_behind_it_is_foreign_to_a_binary_that_knows_none()
    {
        await (await LiveDirectory.MakeAsync(_fixture, Units)).PlaceAsync(_fixture.DatabasePath);
        Assert.Equal("AURJ", ApplicationId());
        Assert.Equal(2 * Units, await StoreOracle.HoldsAsync(_fixture.Options, []));
        Assert.Equal("AURA", ApplicationId());
    }

    [Fact]
    public async Task A_last_record_that_is_torn_is_cut_and_nothing_else_with_it()
    {
        var files = await LiveDirectory.MakeAsync(_fixture, Units);
        var (name, offset, length) = LiveDirectory.Records(files)[^1];
        for (var round = 0; round < 20; round++)
        {
            await PlaceFlippedAsync(files, name, offset + _random.Next(JournalFormat.RecordHeaderBytes + length));
            Assert.Equal(2 * (Units - 1), await StoreOracle.HoldsAsync(_fixture.Options, []));
        }
    }

    [Fact]
    public async Task A_start_and_a_check_tell_what_of_the_tail_was_cut()
    {
        var files = await LiveDirectory.MakeAsync(_fixture, Units);
        var (name, offset, length) = LiveDirectory.Records(files)[^1];
        await files.PlaceAsync(_fixture.DatabasePath);
        Assert.Equal((Units, 0), await FoundAsync());
        for (var round = 0; round < 20; round++)
        {
            await PlaceFlippedAsync(files, name, offset + _random.Next(JournalFormat.RecordHeaderBytes + length));
            var (groups, tail) = await FoundAsync();
            Assert.Equal(Units - 1, groups);
            Assert.True(tail > 0, "nothing is said of the tail");
        }
    }

    [Fact]
    public async Task A_segment_that_was_cut_refuses_the_open_wherever_it_was_cut()
    {
        var files = await LiveDirectory.MakeAsync(_fixture, Units);
        var (name, offset, length) = LiveDirectory.Records(files)[^1];
        var end = offset + JournalFormat.RecordHeaderBytes + length;
        foreach (var left in new[] { JournalFormat.SegmentHeaderBytes, offset, offset + 1, offset + JournalFormat.RecordHeaderBytes, end - 1, end, files.Journal[name].Length - 1 })
        {
            await LiveDirectory.Cut(files, name, left).PlaceAsync(_fixture.DatabasePath);
            var refused = Assert.Throws<Fault>(() => _fixture.Open());
            Assert.Equal("JOURNAL_DAMAGED", refused.Reason);
            Assert.Contains($"{left} of its {files.Journal[name].Length} bytes", refused.Message, StringComparison.Ordinal);
            Assert.Contains(refused.Message, Assert.Single(Maintenance.VerifyLibrary(_fixture.Options, null, default).Findings), StringComparison.Ordinal);
        }
    }

    /// <summary>As the hint of the refusal says.</summary>
    [Fact]
    public async Task A_cut_segment_made_as_long_as_it_was_is_read_up_to_the_cut()
    {
        var files = await LiveDirectory.MakeAsync(_fixture, Units);
        var (name, offset, length) = LiveDirectory.Records(files)[^1];
        foreach (var left in new[] { offset, offset + 1, offset + JournalFormat.RecordHeaderBytes + length - 1 })
        {
            await LiveDirectory.Cut(files, name, left).PlaceAsync(_fixture.DatabasePath);
            using (var segment = new FileStream(Path.Combine(_fixture.Library, name), FileMode.Open))
            {
                segment.SetLength(files.Journal[name].Length);
            }

            Assert.Equal(Units - 1, (await FoundAsync()).Groups);
        }
    }

    [Fact]
    public async Task A_journal_of_the_first_version_is_read_and_a_cut_within_a_record_of_it_is_told()
    {
        var files = LiveDirectory.OfFirstVersion(await LiveDirectory.MakeAsync(_fixture, Units), _fixture);
        await files.PlaceAsync(_fixture.DatabasePath);
        Assert.Equal((Units, 0), await FoundAsync());
        var (name, offset, length) = LiveDirectory.Records(files)[^1];
        foreach (var left in new[] { 1, JournalFormat.RecordHeaderBytes - 1, JournalFormat.RecordHeaderBytes, JournalFormat.RecordHeaderBytes + length - 1 })
        {
            await LiveDirectory.Cut(files, name, offset + left).PlaceAsync(_fixture.DatabasePath);
            // Zeros at its end, which a seal may have, are what the segment was filled with.
            var tail = files.Journal[name].AsSpan((int)offset, left).TrimEnd((byte)0).Length;
            Assert.Equal((Units - 1, tail), await FoundAsync());
        }
    }

    [Fact]
    public async Task A_flipped_bit_in_the_engines_log_costs_nothing_that_the_journal_has()
    {
        var files = await LiveDirectory.MakeAsync(_fixture, Units, settle: true);
        Assert.NotNull(files.Log);
        for (var round = 0; round < 40; round++)
        {
            var log = (byte[])files.Log.Clone();
            log[_random.Next(log.Length)] ^= (byte)(1 << _random.Next(8));
            await (files with { Log = log }).PlaceAsync(_fixture.DatabasePath);
            Assert.Equal(2 * Units, await StoreOracle.HoldsAsync(_fixture.Options, []));
        }

        await (files with { Log = null }).PlaceAsync(_fixture.DatabasePath);
        Assert.Equal(2 * Units, await StoreOracle.HoldsAsync(_fixture.Options, []));
    }

    [Fact]
    public async Task A_segment_that_is_gone_is_told_from_one_that_is_not_needed()
    {
        var files = await LiveDirectory.MakeAsync(_fixture, Units);
        var names = files.Journal.Keys.Order(StringComparer.Ordinal).ToArray();
        foreach (var gone in names.SkipLast(1))
        {
            await (files with { Journal = files.Journal.Where(file => file.Key != gone).ToDictionary() }).PlaceAsync(_fixture.DatabasePath);
            Assert.StartsWith("JOURNAL_", Reason(), StringComparison.Ordinal);
        }

        await (files with { Journal = new Dictionary<string, byte[]>() }).PlaceAsync(_fixture.DatabasePath);
        Assert.Equal("JOURNAL_MISSING", Reason());
        File.Delete(_fixture.DatabasePath);
        File.Delete(_fixture.DatabasePath + "-wal");
        await File.WriteAllBytesAsync(Path.Combine(_fixture.Library, names[0]), files.Journal[names[0]]);
        Assert.Equal("DATABASE_MISSING", Reason());
    }

    [Fact]
    public async Task A_journal_beside_an_older_copy_of_the_database_is_not_taken_for_its_own()
    {
        await using (var database = _fixture.Open())
        {
            _ = await StoreChild.AppendAsync(database, "old", 100);
        }

        var older = await File.ReadAllBytesAsync(_fixture.DatabasePath);
        var files = await LiveDirectory.MakeAsync(_fixture, Units);
        await (files with { Database = older, Log = null }).PlaceAsync(_fixture.DatabasePath);
        Assert.Equal("JOURNAL_NEWER", Reason());
    }

    /// <summary>As a check tells it first, and then a start.</summary>
    private async Task<(long Groups, long TailBytes)> FoundAsync()
    {
        var report = Maintenance.VerifyLibrary(_fixture.Options, null, default);
        Assert.True(report.IsSound, string.Join("; ", report.Findings));
        RecoveryReport? found = null;
        await using (Database.Open(_fixture.Options with { Recovered = told => found = told }))
        {
        }

        Assert.Equal(report.Recovery, found);
        return (found!.Value.Groups, found.Value.TailBytes);
    }

    private string? Reason() => Assert.Throws<Fault>(() => _fixture.Open()).Reason;

    private string ApplicationId()
    {
        using var server = ServerKey.Load(_fixture.KeyPath);
        using var key = new StoreKey(server);
        using var connection = Connection.Open(_fixture.DatabasePath, ConnectionMode.Write, key, new TableVersions(), null);
        var id = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(id, (int)connection.QueryInteger("PRAGMA application_id"));
        return Encoding.ASCII.GetString(id);
    }

    private async Task RefusedAsync(CrashFiles files, string name, int at)
    {
        await PlaceFlippedAsync(files, name, at);
        var reason = Reason();
        Assert.True(reason?.StartsWith("JOURNAL_", StringComparison.Ordinal), $"{name} byte {at}: {reason}");
    }

    private Task PlaceFlippedAsync(CrashFiles files, string name, int at) => LiveDirectory.Flipped(files, name, at, _random).PlaceAsync(_fixture.DatabasePath);
}
