using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Assets;

namespace Auraed.Domain.Assets;

/// <summary>How often, and how fast, the daemon cares for its chunks by itself.</summary>
/// <param name="CollectInterval">Zero: never.</param>
/// <param name="ScrubInterval">From the end of one scrub to the beginning of the next; zero: never.</param>
/// <param name="ScrubBytesPerSecond">Of compressed chunks; zero for no limit.</param>
public sealed record AssetCare(TimeSpan CollectInterval, TimeSpan ScrubInterval, long ScrubBytesPerSecond);

/// <summary>Who is told what the daemon's own care came to.</summary>
public sealed record AssetCareTold(Action<GarbageCollectResult> Collected, Action<DamagedChunk> Damaged, Action<string, Fault> Failed);

/// <summary>
/// The daemon's own collections and scrubs, until cancelled. A scrub goes a step at a time, so that one that somebody calls for waits for a step only; where it is and when the last one
/// ended stands in the file, so that restarts neither begin it anew nor put it off.
/// </summary>
public sealed class AssetUpkeep(Database database, AssetLibrary assets, AssetCare care, AssetCareTold told, TimeProvider time)
{
    public Task RunAsync(CancellationToken cancel) => Task.WhenAll(
        ForeverAsync("collection", care.CollectInterval, CollectAsync, cancel), ForeverAsync("scrub", care.ScrubInterval, ScrubAsync, cancel));

    /// <param name="turn">Answers how long to wait for the next.</param>
    private async Task ForeverAsync(string what, TimeSpan interval, Func<CancellationToken, Task<TimeSpan>> turn, CancellationToken cancel)
    {
        if (interval == TimeSpan.Zero)
        {
            return;
        }

        TimeSpan rest = Limits.AssetCareDelay;
        while (!cancel.IsCancellationRequested)
        {
            await Task.Delay(rest, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                rest = cancel.IsCancellationRequested ? rest : await turn(cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                // The daemon stops; the next start goes on.
            }
            catch (Fault fault)
            {
                told.Failed(what, fault);
                rest = Limits.AssetCareDelay;
            }
        }
    }

    private async Task<TimeSpan> CollectAsync(CancellationToken cancel)
    {
        told.Collected(await assets.CollectAsync(new GarbageCollectRequest(), null, cancel).ConfigureAwait(false));
        return care.CollectInterval;
    }

    private async Task<TimeSpan> ScrubAsync(CancellationToken cancel)
    {
        (long place, long? end) = await database.ReadAsync(unit => (ScrubRows.Place(unit), ScrubRows.End(unit)), cancel).ConfigureAwait(false);
        if (place == 0 && end is not { } ended)
        {
            // A new file is as good as scrubbed.
            _ = await database.WriteAsync(unit => Begin(unit), cancel).ConfigureAwait(false);
            return care.ScrubInterval < Limits.AssetCareWaitMax ? care.ScrubInterval : Limits.AssetCareWaitMax;
        }

        TimeSpan due = place > 0 ? TimeSpan.Zero : TimeSpan.FromTicks(end!.Value / 100) + care.ScrubInterval - (time.GetUtcNow() - DateTimeOffset.UnixEpoch);
        if (due > TimeSpan.Zero)
        {
            // The clock may be set: it is looked at again.
            return due < Limits.AssetCareWaitMax ? due : Limits.AssetCareWaitMax;
        }

        _ = await assets.ScrubAsync(new ScrubRequest { BytesPerSecond = care.ScrubBytesPerSecond, ChunkCountMax = Limits.ScrubStepChunks }, null, Tell, cancel).ConfigureAwait(false);
        return TimeSpan.Zero;
    }

    private Task Tell(DamagedChunk damaged)
    {
        told.Damaged(damaged);
        return Task.CompletedTask;
    }

    private static bool Begin(WriteUnit unit)
    {
        ScrubRows.SetEnd(unit, unit.Now);
        return true;
    }
}
