using System.Diagnostics;
using Auraed.Chunks;
using Auraed.Domain.Records;
using Auraed.Tests.Support;

namespace Auraed.Tests.Faults;

/// <summary>A process killed while it tells caches what is withdrawn: whatever it had told, the next one tells all of it.</summary>
public sealed class PurgeCrashes : IDisposable
{
    private readonly StoreFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData("purge.sent", int.MaxValue)]
    [InlineData("none", 1)]
    [InlineData("none", 3)]
    public async Task A_kill_repeats_requests_and_loses_none(string point, int killedAtRequest)
    {
        ChildProcess? child = null;
        var requests = 0;
        using var started = new ManualResetEventSlim();
        await using var cache = await HttpPeer.StartAsync(_ =>
        {
            if (Interlocked.Increment(ref requests) == killedAtRequest)
            {
                started.Wait();
                using var process = Process.GetProcessById(child!.Id);
                process.Kill();
            }

            return Task.CompletedTask;
        });
        var caches = Path.Combine(_fixture.Root, "caches");
        await File.WriteAllTextAsync(caches, cache.Location + "\n");
        child = ChildProcess.Start(_fixture.Root, Environment.ProcessPath!, Support.Program.Assembly, "purge", _fixture.Library, _fixture.KeyPath, caches, point);
        started.Set();
        await using (child)
        {
            Assert.True(await child.WaitForExitAsync() == 128 + 9, child.Output);
        }

        string[] expected = [.. new TestAsset(PurgeChild.Content).Index.Ids.ToArray().Distinct().Select(id => $"PURGE /{ChunkFile.PathOf(id)}").Append($"PURGE /index/{PurgeChild.Tag}.caibx").Order(StringComparer.Ordinal)];
        Assert.True(expected.Length > 3);
        Assert.Subset(expected.ToHashSet(), cache.Requests.ToHashSet());
        cache.Requests.Clear();

        await using var database = _fixture.Open();
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        var before = await PurgeChild.FrontierAsync(database);
        using var stop = new CancellationTokenSource();
        var telling = PurgeChild.TellAsync(database, records, caches, stop.Token);
        await Eventually.HoldsAsync(async () => await PurgeChild.FrontierAsync(database) > before, "the cursor moves on");
        Assert.Equal(expected, cache.Requests.Order(StringComparer.Ordinal));
        await stop.CancelAsync();
        await telling;
    }
}
