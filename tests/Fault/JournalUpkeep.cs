using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>Copies and checks of a database whose newest groups are in the journal alone.</summary>
public sealed class JournalUpkeep : IDisposable
{
    private const int Units = 40;
    private readonly StoreFixture _fixture = new(Durability.Journal);
    private readonly TemporaryDirectory _elsewhere = new();
    private readonly Random _random;

    public JournalUpkeep(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose()
    {
        _fixture.Dispose();
        _elsewhere.Dispose();
    }

    [Theory]
    [InlineData("publish")]
    [InlineData("backup")]
    [InlineData("snapshot")]
    public async Task A_copy_holds_what_was_acknowledged_and_not_committed(string kind)
    {
        await using var database = Database.Open(LiveDirectory.Uncommitting(_fixture));
        var acknowledged = new List<long>();
        for (var round = 0; round < 2; round++)
        {
            var commits = database.Writes.Commits;
            acknowledged.AddRange(await Task.WhenAll(Enumerable.Range(0, Units).Select(number => StoreChild.AppendAsync(database, $"{number}", 1500))));
            // Otherwise this has tested nothing.
            Assert.Equal(commits, database.Writes.Commits);
            var report = await CopyAsync(database, kind, round);
            _ = await StoreChild.AppendAsync(database, "later", 100);
            Assert.True(Maintenance.Verify(report.Path, _fixture.KeyPath, null, CancellationToken.None).IsSound);
            Assert.Equal(report.Sequence, await RestoredAsync(report.Path, acknowledged));
            Assert.Equal((acknowledged.Count + round) * StoreChild.EventsPerUnit, report.Sequence);
        }
    }

    [Fact]
    public async Task A_copy_under_load_holds_what_was_acknowledged_before_it_was_asked_for()
    {
        await using var database = Database.Open(LiveDirectory.Uncommitting(_fixture));
        var acknowledged = new System.Collections.Concurrent.ConcurrentQueue<long>();
        using var stop = new CancellationTokenSource();
        var load = Task.WhenAll(Enumerable.Range(0, 4).Select(async stream =>
        {
            while (!stop.IsCancellationRequested)
            {
                acknowledged.Enqueue(await StoreChild.AppendAsync(database, $"{stream}", 700));
            }
        }));
        for (var round = 0; round < 6; round++)
        {
            var (count, kind) = (acknowledged.Count, (string[])["publish", "backup", "snapshot"]);
            await Eventually.HoldsAsync(() => acknowledged.Count > count + 20, "more is acknowledged");
            long[] before = [.. acknowledged];
            var report = await CopyAsync(database, kind[round % 3], round);
            _ = await RestoredAsync(report.Path, before);
        }

        await stop.CancelAsync();
        await load;
    }

    [Fact]
    public async Task A_check_of_the_open_file_sees_what_was_acknowledged_and_not_committed()
    {
        await using var database = Database.Open(LiveDirectory.Uncommitting(_fixture));
        for (var number = 1; number <= Units; number++)
        {
            _ = await StoreChild.AppendAsync(database, "journal", 1500);
            if (number % 20 == 0)
            {
                var report = await database.VerifyAsync(null, CancellationToken.None);
                Assert.True(report.IsSound, string.Join("; ", report.Findings));
                Assert.Equal(number * StoreChild.EventsPerUnit, report.Events);
            }
        }
    }

    [Theory]
    [InlineData(Durability.Journal, false)]
    [InlineData(Durability.Journal, true)]
    [InlineData(Durability.Wal, false)]
    public async Task A_directory_is_checked_with_its_log_and_journal_and_stays_as_it_is(Durability durability, bool settle)
    {
        using var fixture = new StoreFixture(durability);
        var files = await LiveDirectory.MakeAsync(fixture, Units, settle);
        Assert.True(files.Log is not null && files.Journal.Count > 1 == (durability == Durability.Journal));
        await files.PlaceAsync(fixture.DatabasePath);
        for (var round = 0; round < 2; round++)
        {
            var report = Maintenance.VerifyLibrary(fixture.Options, null, CancellationToken.None);
            Assert.True(report.IsSound, string.Join("; ", report.Findings));
            Assert.Equal(Units * StoreChild.EventsPerUnit, report.Events);
            await StaysAsync(fixture, files);
        }

        Assert.Equal(Units * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(fixture.Options, []));
        Assert.Equal(Units * StoreChild.EventsPerUnit, Maintenance.VerifyLibrary(fixture.Options, null, CancellationToken.None).Events);
    }

    [Fact]
    public async Task Damage_in_the_journal_of_a_directory_is_a_finding_and_a_torn_tail_is_none()
    {
        var files = await LiveDirectory.MakeAsync(_fixture, Units);
        var records = LiveDirectory.Records(files);
        foreach (var (name, offset, _) in records.SkipLast(1).Where((_, number) => number % 8 == 3))
        {
            await LiveDirectory.Flipped(files, name, offset + 72, _random).PlaceAsync(_fixture.DatabasePath);
            var damaged = Maintenance.VerifyLibrary(_fixture.Options, null, CancellationToken.None);
            Assert.StartsWith("journal: the journal is damaged: ", Assert.Single(damaged.Findings), StringComparison.Ordinal);
            Assert.Contains("it can be read up to group", damaged.Findings[0], StringComparison.Ordinal);
        }

        await LiveDirectory.Flipped(files, records[^1].Name, records[^1].Offset + 72, _random).PlaceAsync(_fixture.DatabasePath);
        var torn = Maintenance.VerifyLibrary(_fixture.Options, null, CancellationToken.None);
        Assert.Equal((true, (Units - 1) * StoreChild.EventsPerUnit), (torn.IsSound, torn.Events));

        await (files with { Journal = new Dictionary<string, byte[]>() }).PlaceAsync(_fixture.DatabasePath);
        Assert.Contains("that is not beside it", Assert.Single(Maintenance.VerifyLibrary(_fixture.Options, null, CancellationToken.None).Findings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_was_taken_without_its_log_or_journal_is_refused_by_restore_and_nothing_is_moved()
    {
        var whole = Path.Combine(_fixture.Root, "whole.db");
        await using (var database = _fixture.Open())
        {
            _ = await StoreChild.AppendAsync(database, "old", 100);
            _ = await database.BackupAsync(whole, null, CancellationToken.None);
        }

        using var killed = new StoreFixture(Durability.Journal);
        var files = await LiveDirectory.MakeAsync(killed, Units, settle: true);
        await files.PlaceAsync(killed.DatabasePath);
        Assert.Equal("LOG_BESIDE", Refused(killed.DatabasePath));
        var alone = _elsewhere["alone.db"];
        await File.WriteAllBytesAsync(alone, files.Database);
        Assert.Contains("goes on in a journal", Assert.Single(Maintenance.Verify(alone, _fixture.KeyPath, null, CancellationToken.None).Findings), StringComparison.Ordinal);
        Assert.Equal("NOT_SOUND", Refused(alone));
        await File.WriteAllBytesAsync(alone + "-wal", files.Log!);
        Assert.Equal("LOG_BESIDE", Refused(alone));
        Assert.Empty(Directory.GetDirectories(_fixture.Library));
        Assert.Equal(StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, []));
    }

    [Fact]
    public async Task The_command_checks_a_directory_and_says_whom_to_ask_when_its_daemon_runs()
    {
        string[] verify = ["verify", "--library-dir", _fixture.Library, "--key", _fixture.KeyPath];
        var files = await LiveDirectory.MakeAsync(_fixture, Units);
        await files.PlaceAsync(_fixture.DatabasePath);
        Assert.Contains($"{Units * StoreChild.EventsPerUnit}", (await Support.Cli.RunAsync(verify)).Succeeded(), StringComparison.Ordinal);
        var record = LiveDirectory.Records(files)[5];
        await LiveDirectory.Flipped(files, record.Name, record.Offset + 80, _random).PlaceAsync(_fixture.DatabasePath);
        var damaged = await Support.Cli.RunAsync(verify);
        Assert.Equal(3, damaged.Code);
        Assert.Contains("journal", damaged.Output, StringComparison.Ordinal);
        Assert.NotEqual(0, (await Support.Cli.RunAsync([.. verify, _fixture.DatabasePath])).Code);
        Assert.NotEqual(0, (await Support.Cli.RunAsync(["verify", "--library-dir", _elsewhere["nowhere"], "--key", _fixture.KeyPath])).Code);
        Assert.False(Directory.Exists(_elsewhere["nowhere"]));
        await files.PlaceAsync(_fixture.DatabasePath);
        await using var database = _fixture.Open();
        var busy = await Support.Cli.RunAsync(verify);
        Assert.Contains("without --library-dir", busy.Error, StringComparison.Ordinal);
    }

    private string? Refused(string source) => Assert.Throws<Fault>(() => Maintenance.Restore(_fixture.Options, source, null, CancellationToken.None)).Reason;

    private Task<BackupReport> CopyAsync(Database database, string kind, int round) => kind switch
    {
        "publish" => database.PublishAsync(null, CancellationToken.None),
        "backup" => database.BackupAsync(_elsewhere[$"{round}.db"], null, CancellationToken.None),
        _ => database.SnapshotAsync("asked", null, CancellationToken.None),
    };

    /// <summary>Puts the copy into an empty directory; returns the number of events.</summary>
    private async Task<long> RestoredAsync(string path, IReadOnlyCollection<long> acknowledged)
    {
        using var library = new TemporaryDirectory();
        var options = _fixture.Options with { Directory = library["lib"] };
        _ = Maintenance.Restore(options, path, null, CancellationToken.None);
        return await StoreOracle.HoldsAsync(options, acknowledged);
    }

    /// <summary>The file and the journal byte for byte, and the log up to its last commit.</summary>
    private static async Task StaysAsync(StoreFixture fixture, CrashFiles files)
    {
        var now = await LiveDirectory.ReadAllAsync(fixture);
        Assert.True(now.Database.AsSpan().SequenceEqual(files.Database));
        Assert.True(now.Log.AsSpan(0, files.Log!.Length).SequenceEqual(files.Log));
        Assert.Equal(files.Journal.Keys.Order(StringComparer.Ordinal), now.Journal.Keys.Order(StringComparer.Ordinal));
        Assert.All(now.Journal, segment => Assert.True(segment.Value.AsSpan().SequenceEqual(files.Journal[segment.Key])));
    }
}
