using Auraed.Base;
using Auraed.EventLog;
using Auraed.Store;
using Auraed.Store.Events;
using Auraed.Store.Proof;
using Auraed.Store.Replay;
using Auraed.Store.Segments;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Retention;

/// <summary>Archives and the floor: what is pruned is in the archive, and what is kept proves what it proved.</summary>
public sealed class Retentions : IAsyncLifetime
{
    private static readonly KeepPolicy All = default;
    private readonly LogFile _log = new();
    private readonly ManualTime _time = new(DateTimeOffset.UnixEpoch.AddDays(20_000));
    private Database _database = null!;
    private LogKeeper _keeper = null!;
    private LogRetention _retention = null!;

    private string Archive => Path.Combine(_log.Store.Root, "archive");

    public Task InitializeAsync()
    {
        Open();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await CloseAsync();
        _log.Dispose();
    }

    [Fact]
    public async Task What_is_pruned_is_in_the_archive_and_what_is_kept_proves_what_it_proved()
    {
        await FillAsync(300);
        Checkpoint old = (await _keeper.CheckpointAsync(true, CancellationToken.None))!;
        await FillAsync(700);
        ArchiveOutcome archived = await _retention.ArchiveAsync(ArchiveTarget.To(Archive), isWhole: false, null, CancellationToken.None);
        Assert.Equal((1, 768, 768), (archived.Segments, archived.Events, archived.Last));
        Assert.Equal(0, (await _retention.ArchiveAsync(ArchiveTarget.To(Archive), isWhole: false, null, CancellationToken.None)).Segments);
        Assert.Equal(SegmentFiles.NameOf(1, 768), Path.GetFileName(Assert.Single(Directory.GetFiles(Archive))));

        PruneOutcome planned = await _retention.PruneAsync(All, isDryRun: true, null, CancellationToken.None);
        Assert.Equal((768, 768, "archive"), (planned.Floor, planned.Events, planned.HeldBy));
        Assert.Equal(1000, await CountAsync());
        Assert.Equal(planned, await _retention.PruneAsync(All, isDryRun: false, null, CancellationToken.None));
        Assert.Equal(232, await CountAsync());
        Assert.Equal(0, (await _retention.PruneAsync(All, isDryRun: false, null, CancellationToken.None)).Events);

        await AssertSoundAsync();
        await FillAsync(100);
        Checkpoint now = (await _keeper.CheckpointAsync(true, CancellationToken.None))!;
        Assert.Equal(1100, now.Size);
        await AssertSoundAsync();
        (List<byte[]> inclusion, byte[] leaf, List<byte[]> consistency) = await _database.ReadAsync(
            unit =>
            {
                MerkleTree tree = new TreeNodes(unit.Prepare).Tree;
                return (tree.InclusionPath(799, 1100), new TreeNodes(unit.Prepare).Node(0, 799), tree.ConsistencyPath(300, 1100));
            },
            CancellationToken.None);
        Assert.True(ProofCheck.Inclusion(leaf, 799, 1100, inclusion, now.Root));
        Assert.True(ProofCheck.Consistency(300, 1100, old.Root, now.Root, consistency));
    }

    [Fact]
    public async Task A_reader_below_the_floor_is_told_where_it_begins()
    {
        await PrunedAsync(600);
        var tail = new EventTail(_database);
        var selection = new EventSelection(null, null, [], []);
        Fault below = await Assert.ThrowsAsync<Fault>(() => tail.NextAsync(400, selection, CancellationToken.None));
        Assert.Equal((FaultKind.OutOfRange, "513"), (below.Kind, below.Facts!["floor"]));
        Assert.Equal(513, (await tail.NextAsync(512, selection, CancellationToken.None)).Events[0].Message.Sequence);
        Fault export = await Assert.ThrowsAsync<Fault>(() => _database.ReadAsync(
            unit =>
            {
                new SegmentWriter(500, 600, CheckpointRows.Last(unit.Prepare)!).WriteHeader(unit.Prepare, new System.Buffers.ArrayBufferWriter<byte>());
                return 0;
            },
            CancellationToken.None));
        Assert.Equal("513", export.Facts!["floor"]);
    }

    [Fact]
    public async Task A_pruned_log_is_opened_copied_and_replayed_with_its_archive()
    {
        await PrunedAsync(600);
        string copy = Path.Combine(_log.Store.Root, "copy.db");
        await _database.BackupAsync(copy, null, CancellationToken.None);
        Assert.True(Maintenance.Verify(copy, _log.Store.KeyPath, null, CancellationToken.None).IsSound);
        await CloseAsync();
        Open();
        Assert.Equal(600, _database.Durable);
        await FillAsync(1);
        Assert.Equal(601, _database.Durable);
        Assert.Equal(601, (await _database.ReplayCheckAsync(null, null, CancellationToken.None)).Sequence);
        Assert.Equal(601, (await _database.ReplayCheckAsync(Archive, null, CancellationToken.None)).Sequence);

        string then = Path.Combine(_log.Store.Root, "then.db");
        await _database.ReplayAsync(new ReplayMoment(600, null), then, Archive, null, CancellationToken.None);
        Assert.Equal(600, Maintenance.Verify(then, _log.Store.KeyPath, null, CancellationToken.None).Events);

        Directory.Delete(Archive, recursive: true);
        Assert.Equal("ARCHIVE_NEEDED", (await Assert.ThrowsAsync<Fault>(() => _database.ReplayCheckAsync(null, null, CancellationToken.None))).Reason);
    }

    [Fact]
    public async Task Nothing_is_pruned_that_is_not_archived_or_that_somebody_needs()
    {
        await FillAsync(600);
        Assert.Equal((0, "archive"), await PruneAsync(All));
        await _retention.ArchiveAsync(ArchiveTarget.To(Archive), isWhole: false, null, CancellationToken.None);
        await CursorAsync(200);
        Assert.Equal((0, "cursor"), await PruneAsync(All));
        await _database.WriteAsync(unit => unit.Prepare("UPDATE event_cursor SET frontier = 600").Execute(), CancellationToken.None);
        Assert.Equal((0, "count"), await PruneAsync(new KeepPolicy(TimeSpan.Zero, 200)));
        Assert.Equal((0, "age"), await PruneAsync(new KeepPolicy(TimeSpan.FromHours(1), 0)));
        _time.Move(TimeSpan.FromHours(2));
        await FillAsync(1);
        Assert.Equal((512, "archive"), await PruneAsync(new KeepPolicy(TimeSpan.FromHours(1), 80)));
        await AssertSoundAsync();
    }

    [Fact]
    public async Task The_newest_event_stays()
    {
        await FillAsync(512);
        await _retention.ArchiveAsync(ArchiveTarget.To(Archive), isWhole: false, null, CancellationToken.None);
        Assert.Equal((0, "newest"), await PruneAsync(All));
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("changed")]
    [InlineData("other")]
    public async Task Nothing_is_pruned_whose_archive_is_not_what_it_was(string what)
    {
        await FillAsync(600);
        await _retention.ArchiveAsync(ArchiveTarget.To(Archive), isWhole: false, null, CancellationToken.None);
        string segment = Assert.Single(Directory.GetFiles(Archive));
        byte[] bytes = File.ReadAllBytes(segment);
        bytes[^40] ^= 1;
        File.Delete(segment);
        if (what != "gone")
        {
            File.WriteAllBytes(segment, what == "changed" ? bytes : bytes[..100]);
        }

        Fault refused = await Assert.ThrowsAsync<Fault>(() => PruneAsync(All));
        Assert.Equal("ARCHIVE_DAMAGED", refused.Reason);
        Assert.Equal(600, await CountAsync());
    }

    [Fact]
    public async Task Only_what_is_below_the_floor_can_be_deleted()
    {
        await PrunedAsync(600);
        foreach (string statement in (string[])["DELETE FROM event WHERE sequence = 513", "DELETE FROM event_floor", "UPDATE event_floor SET sequence = 256", "DELETE FROM event_checkpoint"])
        {
            await Assert.ThrowsAsync<Fault>(() => _database.WriteAsync(unit => unit.Prepare(statement).Execute(), CancellationToken.None));
        }
    }

    [Theory]
    [InlineData("UPDATE event_floor SET hash = zeroblob(32)", "events: 513 is not what was written, or its hash is not")]
    [InlineData("UPDATE event_floor SET peaks = zeroblob(32)", "tree: the node over")]
    [InlineData("DELETE FROM event WHERE sequence <= 520", "events: 513 to 520 are missing, 521 follows")]
    public async Task A_changed_floor_is_found(string change, string finding)
    {
        await PrunedAsync(1100);
        await CloseAsync();
        _log.Tamper(change.Replace("513", "1025", StringComparison.Ordinal).Replace("520", "1030", StringComparison.Ordinal));
        IReadOnlyList<string> findings = _log.Verify().Findings;
        string expected = finding.Replace("513", "1025", StringComparison.Ordinal).Replace("520", "1030", StringComparison.Ordinal).Replace("521", "1031", StringComparison.Ordinal);
        Assert.True(
            findings.Any(found => found.StartsWith(expected, StringComparison.Ordinal) || (expected[0] == 't' && found.Contains("is not what the checkpoint of 1100 events signs", StringComparison.Ordinal))),
            string.Join('\n', findings));
        Open();
    }

    private void Open()
    {
        _database = Database.Open(_log.Store.Options with { Time = _time });
        _keeper = new LogKeeper(_database, _time, TimeSpan.Zero);
        _retention = new LogRetention(_database, _keeper, _time);
    }

    private async Task CloseAsync()
    {
        _retention.Dispose();
        _keeper.Dispose();
        await _database.DisposeAsync();
    }

    private async Task PrunedAsync(int events)
    {
        await FillAsync(events);
        await _keeper.CheckpointAsync(true, CancellationToken.None);
        await _retention.ArchiveAsync(ArchiveTarget.To(Archive), isWhole: false, null, CancellationToken.None);
        Assert.Equal(events / 256 * 256, (await PruneAsync(All)).Floor);
    }

    private async Task<(long Floor, string HeldBy)> PruneAsync(KeepPolicy policy)
    {
        PruneOutcome outcome = await _retention.PruneAsync(policy, isDryRun: false, null, CancellationToken.None);
        return (outcome.Floor, outcome.HeldBy);
    }

    private Task FillAsync(int events) => _database.WriteAsync(
        unit =>
        {
            for (int number = 0; number < events; number++)
            {
                unit.Events.Append("default", "tester", null, "test.created", $"{number}", new byte[number % 40]);
            }

            return 0;
        },
        CancellationToken.None);

    private Task<int> CursorAsync(long frontier) => _database.WriteAsync(
        unit =>
        {
            new CursorRows(unit).Insert(new StoredCursor(1, "default", "c", [], frontier, 0, 30, 1, 1, 0));
            return 0;
        },
        CancellationToken.None);

    private async Task<long> CountAsync() => long.Parse(await TableRows.TextAsync(_database, "SELECT count(*) FROM event"), null);

    private async Task AssertSoundAsync()
    {
        VerifyReport report = await _database.VerifyAsync(null, CancellationToken.None);
        Assert.True(report.IsSound, string.Join('\n', report.Findings));
    }
}
