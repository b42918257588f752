using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract;

/// <summary>Copies, checks, restores and re-keys.</summary>
public abstract class StoreBackup(Durability durability) : IDisposable
{
    private const string Marker = "PLAINTEXT-THAT-MUST-NOT-BE-SEEN";
    private readonly StoreFixture _fixture = new(durability);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_backup_under_load_is_one_snapshot_that_restores_elsewhere()
    {
        var copy = Path.Combine(_fixture.Root, "out", "copy.db");
        BackupReport report;
        long after;
        await using (var database = _fixture.Open())
        {
            await FillAsync(database, 2000);
            using var stop = new CancellationTokenSource();
            var load = LoadAsync(database, stop.Token);
            var steps = new List<StoreProgress>();
            report = await database.BackupAsync(copy, steps.Add, CancellationToken.None);
            await stop.CancelAsync();
            after = await load;
            Assert.NotEmpty(steps);
            Assert.Equal(steps[^1].Total, steps[^1].Done);
        }

        Assert.InRange(report.Sequence, 2000, after);
        using var elsewhere = new TemporaryDirectory();
        var options = new DatabaseOptions { Directory = elsewhere["lib"], KeyPath = _fixture.KeyPath };
        var swap = Maintenance.Restore(options, copy, null, CancellationToken.None);
        Assert.Null(swap.KeptAside);
        Assert.Equal(report.Sequence, swap.Events);
        await using var restored = Database.Open(options);
        Assert.Equal(report.Sequence, restored.Durable);
        Assert.True((await restored.VerifyAsync(null, CancellationToken.None)).IsSound);
    }

    [Fact]
    public async Task A_restore_keeps_the_old_database_aside_and_refuses_what_is_damaged()
    {
        var copy = Path.Combine(_fixture.Root, "copy.db");
        await using (var database = _fixture.Open())
        {
            await FillAsync(database, 300);
            await database.BackupAsync(copy, null, CancellationToken.None);
            await FillAsync(database, 10);
            var busy = Assert.Throws<Fault>(() => Maintenance.Restore(_fixture.Options, copy, null, CancellationToken.None));
            Assert.Equal("LIBRARY_LOCKED", busy.Reason);
        }

        var swap = Maintenance.Restore(_fixture.Options, copy, null, CancellationToken.None);
        Assert.Equal(300, swap.Events);
        Assert.Equal(310, Maintenance.Verify(Path.Combine(swap.KeptAside!, "aurae.db"), _fixture.KeyPath, null, CancellationToken.None).Events);
        using (var file = new FileStream(copy, FileMode.Open))
        {
            // Behind the schema, among the events. Whatever the byte is: sealed bytes are random, and a fixed one is there already now and then.
            file.Position = (file.Length / 4096 * 7 / 8 * 4096) + 77;
            var byteBefore = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(byteBefore ^ 0x55));
        }

        var fault = Assert.Throws<Fault>(() => Maintenance.Restore(_fixture.Options, copy, null, CancellationToken.None));
        Assert.Equal("NOT_SOUND", fault.Reason);
        Assert.Contains("page", fault.Message, StringComparison.Ordinal);
        await using var again = _fixture.Open();
        Assert.Equal(300, again.Durable);
    }

    [Theory]
    [InlineData(1000, 0, "the first page")]
    [InlineData(0, 4096, "the file is cut short: ")]
    [InlineData(0, 100, "no whole number of pages")]
    public async Task Whatever_is_wrong_with_a_copy_is_a_finding_of_its_check_and_keeps_it_from_a_restore(int flipped, int cut, string words)
    {
        var copy = Path.Combine(_fixture.Root, "copy.db");
        await using (var database = _fixture.Open())
        {
            await FillAsync(database, 300);
            await database.BackupAsync(copy, null, CancellationToken.None);
        }

        using (var file = new FileStream(copy, FileMode.Open))
        {
            file.Position = flipped;
            var before = file.ReadByte();
            file.Position = flipped;
            file.WriteByte((byte)(before ^ (flipped == 0 ? 0 : 0x55)));
            file.SetLength(file.Length - cut);
        }

        var report = Maintenance.Verify(copy, _fixture.KeyPath, null, CancellationToken.None);
        Assert.Equal((false, new FileInfo(copy).Length / 4096), (report.IsSound, report.Pages));
        Assert.Contains(words, Assert.Single(report.Findings), StringComparison.Ordinal);
        var fault = Assert.Throws<Fault>(() => Maintenance.Restore(_fixture.Options, copy, null, CancellationToken.None));
        Assert.Equal((FaultKind.Corrupt, "NOT_SOUND"), (fault.Kind, fault.Reason));
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_is_no_copy()
    {
        Assert.Contains("is a directory", Assert.Throws<Fault>(() => Maintenance.Verify(_fixture.Root, _fixture.KeyPath, null, CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.Contains("is a directory", Assert.Throws<Fault>(() => Maintenance.Restore(_fixture.Options, _fixture.Root, null, CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backup_of_a_damaged_database_says_that_it_is_damaged()
    {
        await using var database = _fixture.Open();
        await FillAsync(database, 300);
        await database.CheckpointAsync(CancellationToken.None);
        using (var file = new FileStream(_fixture.DatabasePath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            file.Position = (file.Length / 4096 * 7 / 8 * 4096) + 77;
            var before = file.ReadByte();
            file.Position--;
            file.WriteByte((byte)(before ^ 0x55));
        }

        var copy = Path.Combine(_fixture.Root, "copy.db");
        var fault = await Assert.ThrowsAsync<Fault>(() => database.BackupAsync(copy, null, CancellationToken.None));
        Assert.Equal((FaultKind.Corrupt, "DATABASE_DAMAGED"), (fault.Kind, fault.Reason));
        Assert.Contains("one of its pages 1 to ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("auraed verify", fault.Hint, StringComparison.Ordinal);
        Assert.False(File.Exists(copy));
        var report = await database.VerifyAsync(null, CancellationToken.None);
        Assert.DoesNotContain(report.Findings, finding => finding.Contains("logic error", StringComparison.Ordinal) || finding.EndsWith("error code=1", StringComparison.Ordinal) || finding.Contains('\n'));
        Assert.False(report.IsSound);
    }

    [Fact]
    public async Task A_rekeyed_database_opens_with_the_new_key_alone_and_says_so()
    {
        await using (var database = _fixture.Open())
        {
            await FillAsync(database, 100);
        }

        var newKey = Path.Combine(_fixture.Root, "new.key");
        Tool.Run("openssl", "genpkey", "-algorithm", "ED25519", "-out", newKey).Succeeded();
        Maintenance.Rekey(_fixture.Options, newKey, null, CancellationToken.None);
        var fault = Assert.Throws<Fault>(() => _fixture.Open());
        Assert.Equal("WRONG_KEY", fault.Reason);
        Assert.Contains(newKey, fault.Hint, StringComparison.Ordinal);
        await using var database2 = Database.Open(_fixture.Options with { KeyPath = newKey });
        Assert.Equal(100, database2.Durable);
        Assert.True((await database2.VerifyAsync(null, CancellationToken.None)).IsSound);
    }

    [Fact]
    public async Task A_rekey_does_not_leave_out_what_a_foreign_reader_keeps_in_the_log()
    {
        var newKey = Path.Combine(_fixture.Root, "new.key");
        Tool.Run("openssl", "genpkey", "-algorithm", "ED25519", "-out", newKey).Succeeded();
        using var server = ServerKey.Load(_fixture.KeyPath);
        using var key = new StoreKey(server);
        var database = _fixture.Open();
        await FillAsync(database, 10);
        await database.CheckpointAsync(CancellationToken.None);
        using (var foreign = Connection.Open(_fixture.DatabasePath, ConnectionMode.Read, key, new TableVersions(), null))
        {
            foreign.Execute("BEGIN");
            Assert.Equal(10, foreign.QueryInteger("SELECT count(*) FROM event"));
            await FillAsync(database, 10);
            await database.DisposeAsync();
            Assert.True(new FileInfo(_fixture.DatabasePath + "-wal").Length > 0);
            Assert.Equal("DATABASE_LOCKED", Assert.Throws<Fault>(() => Maintenance.Rekey(_fixture.Options, newKey, null, CancellationToken.None)).Reason);
            Assert.False(File.Exists(FileSwap.NextIn(_fixture.Library)));
        }

        Assert.Equal(20, Maintenance.Rekey(_fixture.Options, newKey, null, CancellationToken.None).Events);
        await using var rekeyed = Database.Open(_fixture.Options with { KeyPath = newKey });
        Assert.Equal(20, rekeyed.Durable);
    }

    [Fact]
    public async Task No_plaintext_is_in_any_file_while_open_or_after()
    {
        await using (var database = _fixture.Open())
        {
            for (var index = 0; index < 50; index++)
            {
                await database.WriteAsync(unit => unit.Events.Append(Marker, Marker, Marker, "kind." + Marker, Marker, System.Text.Encoding.UTF8.GetBytes(Marker)), CancellationToken.None);
            }

            await database.SnapshotAsync("test", null, CancellationToken.None);
            await database.ReadAsync(unit => unit.Prepare("SELECT subject, payload FROM event ORDER BY payload, subject DESC").Execute(), CancellationToken.None);
            Assert.True(new FileInfo(_fixture.DatabasePath + "-wal").Length > 0);
            NoMarker();
        }

        NoMarker();
        Assert.Equal(["aurae.db", "aurae.lock", "snapshots"], Directory.EnumerateFileSystemEntries(_fixture.Library).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_cancelled_backup_leaves_nothing()
    {
        await using var database = _fixture.Open();
        await FillAsync(database, 3000);
        using var cancel = new CancellationTokenSource();
        var copy = Path.Combine(_fixture.Root, "copy.db");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => database.BackupAsync(copy, _ => cancel.Cancel(), cancel.Token));
        Assert.Empty(Directory.EnumerateFiles(_fixture.Root, "copy.db*"));
    }

    private static async Task FillAsync(Database database, int count) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(index => StoreFixture.AppendAsync(database, $"s{index}", 500)));

    private static async Task<long> LoadAsync(Database database, CancellationToken stop)
    {
        var last = 0L;
        while (!stop.IsCancellationRequested)
        {
            last = await StoreFixture.AppendAsync(database, "load", 500, CancellationToken.None);
        }

        return last;
    }

    private void NoMarker()
    {
        foreach (var path in Directory.EnumerateFiles(_fixture.Library, "*", SearchOption.AllDirectories).Where(path => Path.GetFileName(path) != "aurae.lock"))
        {
            var bytes = File.ReadAllBytes(path);
            Assert.Equal(-1, bytes.AsSpan().IndexOf("PLAINTEXT"u8));
            Assert.Equal(-1, bytes.AsSpan().IndexOf("CREATE TABLE"u8));
        }
    }
}

public sealed class StoreBackupWal() : StoreBackup(Durability.Wal);

public sealed class StoreBackupJournal() : StoreBackup(Durability.Journal);
