using System.Diagnostics;
using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>A process killed at every step of every write path: what was acknowledged is there, no half unit is, the chain holds.</summary>
public abstract class StoreCrashes : IDisposable
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(60);
    private protected StoreFixture Fixture { get; }

    private protected Random Random { get; }

    protected StoreCrashes(Durability durability, ITestOutputHelper output)
    {
        Fixture = new StoreFixture(durability);
        Random = Seeds.Random(output);
    }

    public void Dispose() => Fixture.Dispose();

    [Theory]
    [InlineData("create.made", 1)]
    [InlineData("migration.script", 1)]
    [InlineData("group.before", 40)]
    [InlineData("unit.done", 90)]
    [InlineData("commit.before", 40)]
    [InlineData("commit.after", 40)]
    [InlineData("group.answered", 40)]
    [InlineData("checkpoint.before", 1)]
    [InlineData("checkpoint.after", 1)]
    [InlineData("close.before", 1)]
    [InlineData("close.after", 1)]
    public async Task A_kill_while_writing_keeps_what_was_acknowledged(string point, int timesMax)
    {
        var child = Run(point, 1 + Random.Next(timesMax), "write", "60");
        Assert.True(child.Killed, child.Said);
        await HoldsAsync(child.Acknowledged);
    }

    [Theory]
    [InlineData("mover.before")]
    [InlineData("mover.after")]
    [InlineData("mover.synced")]
    public async Task A_kill_while_the_log_is_moved_beside_the_writer_keeps_what_was_acknowledged(string point)
    {
        var child = Run(point, 1, "write", "1000");
        Assert.True(child.Killed, child.Said);
        await HoldsAsync(child.Acknowledged);
    }

    [Fact]
    public async Task Kills_at_any_moment_under_load_keep_what_was_acknowledged()
    {
        var acknowledged = new List<long>();
        for (var round = 0; round < 6; round++)
        {
            using var process = Start("none", 0, Fixture.Durability, "write", "1000000");
            var lines = ReadAsync(process);
            await Eventually.HoldsAsync(() => lines.Count > 20, "the child acknowledges writes");
            await Task.Delay(TimeSpan.FromMilliseconds(Random.Next(80)));
            process.Kill();
            await process.WaitForExitAsync();
            await lines.Done;
            acknowledged.AddRange(Acknowledged(lines.Snapshot()));
            await HoldsAsync(acknowledged);
        }

        Assert.Equal(acknowledged.Count, acknowledged.Distinct().Count());
    }

    [Theory]
    [InlineData("backup.step", false)]
    [InlineData("backup.copied", false)]
    [InlineData("backup.published", true)]
    public async Task A_kill_during_a_backup_leaves_a_whole_copy_or_none(string point, bool whole)
    {
        await FillAsync();
        var copy = Path.Combine(Fixture.Root, "copy.db");
        Assert.True(Run(point, 1, "backup", copy).Killed);
        Assert.Equal(whole, File.Exists(copy));
        if (whole)
        {
            Assert.True(Maintenance.Verify(copy, Fixture.KeyPath, null, CancellationToken.None).IsSound);
        }

        await HoldsAsync([]);
    }

    [Theory]
    [InlineData("migration.before")]
    [InlineData("migration.script")]
    [InlineData("migration.commit")]
    [InlineData("migration.after")]
    public async Task A_kill_during_a_migration_leaves_it_taken_or_not_taken(string point)
    {
        await FillAsync();
        Assert.True(Run(point, 1, "migrate").Killed);
        await using (var database = Database.Open(Fixture.Options with { Migrations = StoreChild.Extended }))
        {
            Assert.Equal(2, await database.ReadAsync(
                unit =>
                {
                    var rows = unit.Prepare("SELECT count(*) FROM extra");
                    rows.Step();
                    return rows.Integer(0);
                },
                CancellationToken.None));
        }

        await HoldsAsync([]);
    }

    [Theory]
    [InlineData("restore.copied", 60)]
    [InlineData("restore.verified", 60)]
    [InlineData("swap.prepared", 60)]
    [InlineData("swap.marked", 20)]
    [InlineData("swap.log_moved", 20)]
    [InlineData("swap.old_moved", 20)]
    [InlineData("swap.placed", 20)]
    [InlineData("swap.done", 20)]
    public async Task A_kill_during_a_restore_leaves_the_old_database_or_the_new_one(string point, long events)
    {
        var copy = Path.Combine(Fixture.Root, "copy.db");
        await using (var database = await FillAsync(10))
        {
            await database.BackupAsync(copy, null, CancellationToken.None);
        }

        await FillAsync();
        Assert.True(Run(point, 1, "restore", copy).Killed);
        Assert.Equal(events, await HoldsAsync([]));
        Maintenance.Restore(Fixture.Options, copy, null, CancellationToken.None);
        Assert.Equal(20, await HoldsAsync([]));
    }

    [Theory]
    [InlineData("rekey.folded", false)]
    [InlineData("rekey.copied", false)]
    [InlineData("rekey.encrypted", false)]
    [InlineData("rekey.recorded", false)]
    [InlineData("swap.prepared", false)]
    [InlineData("swap.marked", true)]
    [InlineData("swap.log_moved", true)]
    [InlineData("swap.old_moved", true)]
    [InlineData("swap.placed", true)]
    [InlineData("swap.done", true)]
    public async Task A_kill_during_a_rekey_leaves_a_file_of_one_key_and_the_daemon_knows_which(string point, bool changed)
    {
        await FillAsync();
        var newKey = Path.Combine(Fixture.Root, "new.key");
        Tool.Run("openssl", "genpkey", "-algorithm", "ED25519", "-out", newKey).Succeeded();
        Assert.True(Run(point, 1, "rekey", newKey).Killed);
        var (right, wrong) = changed ? (newKey, Fixture.KeyPath) : (Fixture.KeyPath, newKey);
        var fault = Assert.Throws<Auraed.Base.Fault>(() => Database.Open(Fixture.Options with { KeyPath = wrong }));
        Assert.Equal("WRONG_KEY", fault.Reason);
        if (changed)
        {
            Assert.Contains(newKey, fault.Hint, StringComparison.Ordinal);
        }

        Assert.Equal(40, await HoldsAsync([], right));
    }

    private async Task<Database> FillAsync(int units)
    {
        var database = Fixture.Open();
        for (var number = 0; number < units; number++)
        {
            await StoreChild.AppendAsync(database, "fill", 2000);
        }

        return database;
    }

    private async Task FillAsync()
    {
        await using var database = await FillAsync(20);
    }

    /// <summary>Opens what the kill left; returns the number of events.</summary>
    private protected Task<long> HoldsAsync(IReadOnlyCollection<long> acknowledged, string? key = null) =>
        StoreOracle.HoldsAsync(Fixture.Options with { KeyPath = key ?? Fixture.KeyPath }, acknowledged);

    private protected (bool Killed, List<long> Acknowledged, string Said) Run(string point, int times, string job, params string[] more) =>
        Run(point, times, Fixture.Durability, job, more);

    private protected (bool Killed, List<long> Acknowledged, string Said) Run(string point, int times, Durability durability, string job, params string[] more)
    {
        using var process = Start(point, times, durability, job, more);
        var error = process.StandardError.ReadToEndAsync();
        var lines = ReadAsync(process);
        if (!process.WaitForExit(TimeMax))
        {
            process.Kill();
            throw new TimeoutException($"{job} at {point}");
        }

        lines.Done.Wait();
        const int killed = 128 + 9;
        return (process.ExitCode == killed, Acknowledged(lines.Snapshot()), $"exit {process.ExitCode}: {error.Result}");
    }

    private Process Start(string point, int times, Durability durability, string job, params string[] more) => Process.Start(new ProcessStartInfo(
        Environment.ProcessPath!,
        [Support.Program.Assembly, "store", $"{durability}", job, Fixture.Library, Fixture.KeyPath, point, $"{times}", .. more])
    { RedirectStandardOutput = true, RedirectStandardError = true })!;

    private static List<long> Acknowledged(IEnumerable<string> lines) =>
        [.. lines.Where(line => line.StartsWith("ack ", StringComparison.Ordinal)).Select(line => long.Parse(line.AsSpan(4), null))];

    private static Lines ReadAsync(Process process) => new(process.StandardOutput);

    /// <summary>What a child has said so far. A line that the kill cut off is no acknowledgement.</summary>
    private sealed class Lines
    {
        private readonly List<string> _lines = [];

        public Lines(StreamReader reader) => Done = ReadAllAsync(reader);

        public Task Done { get; }

        public int Count
        {
            get
            {
                lock (_lines)
                {
                    return _lines.Count;
                }
            }
        }

        public List<string> Snapshot()
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }

        private async Task ReadAllAsync(StreamReader reader)
        {
            var text = "";
            var buffer = new char[4096];
            int count;
            while ((count = await reader.ReadAsync(buffer)) > 0)
            {
                var parts = (text + new string(buffer, 0, count)).Split('\n');
                text = parts[^1];
                lock (_lines)
                {
                    _lines.AddRange(parts[..^1]);
                }
            }
        }
    }
}

public sealed class StoreCrashesWal(ITestOutputHelper output) : StoreCrashes(Durability.Wal, output);
