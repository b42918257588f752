using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Journal;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>Whoever waits for the writer is answered, wherever it ends.</summary>
public sealed class JournalAnswers : IDisposable
{
    /// <summary>For answers that never come.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly StoreFixture _fixture = new(Durability.Journal);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_unit_that_was_taken_when_a_checkpoint_ends_the_writer_is_told()
    {
        var failed = new TaskCompletionSource<Fault>();
        using var files = new StalledNames();
        await using var database = Database.Open(Under(files) with { Failed = failed.SetResult });
        var acknowledged = await FillAsync(database);
        // Only once the unit is out of the queue, and the second checkpoint has begun.
        files.Fault = () => database.WaitingWrites > 0 ? StalledFiles.Full() : new Fault(FaultKind.Internal, "the disk is gone") { Reason = "DISK_FAILED" };
        files.Stall();
        var first = database.CheckpointAsync(CancellationToken.None);
        await files.IsStalled;
        var write = StoreChild.AppendAsync(database, "taken", 100);
        var second = database.CheckpointAsync(CancellationToken.None);
        files.Release();
        await first.WaitAsync(Patience);
        Assert.Equal("DISK_FAILED", (await Assert.ThrowsAsync<Fault>(() => second.WaitAsync(Patience))).Reason);
        Assert.Equal("STORE_FAILED", (await Assert.ThrowsAsync<Fault>(() => write.WaitAsync(Patience))).Reason);
        Assert.Equal("DISK_FAILED", (await failed.Task).Reason);
        await database.DisposeAsync();
        Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, acknowledged));
    }

    [Fact]
    public async Task What_came_before_the_stop_is_done_although_the_writer_had_looked_already()
    {
        using var files = new StalledNames();
        var database = Database.Open(Under(files));
        var acknowledged = await FillAsync(database);
        files.Stall();
        var checkpoint = database.CheckpointAsync(CancellationToken.None);
        await files.IsStalled;
        var late = new List<Task<long>> { StoreChild.AppendAsync(database, "late", 100) };
        var stop = Task.Run(() => database.DisposeAsync().AsTask());
        await Eventually.HoldsAsync(
            () =>
            {
                try
                {
                    late.Add(StoreChild.AppendAsync(database, "late", 100));
                    return false;
                }
                catch (Fault closed) when (closed.Reason == "STORE_CLOSED")
                {
                    return true;
                }
            },
            "the store closes");
        files.Release();
        acknowledged.AddRange(await Task.WhenAll(late).WaitAsync(Patience));
        await checkpoint.WaitAsync(Patience);
        await stop;
        Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, acknowledged));
    }

    [Fact]
    public async Task A_journal_that_cannot_be_read_back_ends_the_writer_and_its_callers_are_told()
    {
        var failed = new TaskCompletionSource<Fault>();
        using var files = new StalledFiles();
        await using var database = Database.Open(files.Under(LiveDirectory.Uncommitting(_fixture)) with { Failed = failed.SetResult });
        _ = await StoreChild.AppendAsync(database, "before", 100);
        files.Stall();
        var first = StoreChild.AppendAsync(database, "without room", 100);
        await files.IsStalled;
        using var queued = new ManualResetEventSlim();
        var second = database.WriteAsync<int>(
            unit =>
            {
                // Ends its group, so that the third begins another, and what is acknowledged has to be done again first.
                queued.Wait();
                _ = unit.Prepare("ROLLBACK").Execute();
                throw new InvalidOperationException("the engine has given up the transaction");
            },
            CancellationToken.None);
        await Eventually.HoldsAsync(() => database.WaitingWrites == 0, "it is taken");
        var third = StoreChild.AppendAsync(database, "after", 100);
        queued.Set();
        var segment = JournalFiles.List(_fixture.Library)[0].Path;
        File.Move(segment, segment + ".aside");
        // What a loop of links answers is neither "not there" nor "not permitted".
        _ = File.CreateSymbolicLink(segment, segment);
        files.Release(StalledFiles.Full());
        Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => first)).Reason);
        Assert.Equal("DISK_FULL", (await Assert.ThrowsAsync<Fault>(() => second)).Reason);
        Assert.Equal("DISK_FAILED", (await Assert.ThrowsAsync<Fault>(() => third.WaitAsync(Patience))).Reason);
        Assert.Equal("DISK_FAILED", (await failed.Task.WaitAsync(Patience)).Reason);
        await database.DisposeAsync();
        Assert.Equal("DISK_FAILED", Assert.Throws<Fault>(() => _fixture.Open()).Reason);
        File.Move(segment + ".aside", segment, overwrite: true);
        Assert.Equal(StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, [1]));
    }

    /// <summary>Nobody counts as alone: every unit goes through the queue.</summary>
    private DatabaseOptions Under(JournalFiles files) => LiveDirectory.Uncommitting(_fixture) with { JournalFiles = files, LoneGroupsMin = int.MaxValue };

    /// <summary>Segments that a checkpoint gives up.</summary>
    private async Task<List<long>> FillAsync(Database database)
    {
        var acknowledged = new List<long>();
        while (JournalFiles.List(_fixture.Library).Count < 3)
        {
            acknowledged.Add(await StoreChild.AppendAsync(database, "journal", 2500));
        }

        return acknowledged;
    }

    /// <summary>Holds back the next change of a segment's name; fails that and the later ones as it is told to.</summary>
    private sealed class StalledNames : JournalFiles, IDisposable
    {
        private readonly SemaphoreSlim _released = new(0);
        private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _isOn;

        public Task IsStalled => _stalled.Task;

        public Func<Fault?> Fault { get; set; } = () => null;

        public void Stall() => _isOn = true;

        public void Release() => _ = _released.Release();

        public override void Rename(string from, string to)
        {
            Pass();
            base.Rename(from, to);
        }

        public override void Delete(string path)
        {
            Pass();
            base.Delete(path);
        }

        public void Dispose() => _released.Dispose();

        private void Pass()
        {
            if (_isOn)
            {
                _isOn = false;
                _stalled.SetResult();
                _released.Wait();
            }

            if (Fault() is { } fault)
            {
                throw fault;
            }
        }
    }
}
