using Aurae.Assets.V0;
using Aurae.Events.V0;
using Aurae.Records.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Domain.Events;
using Auraed.Domain.Records;
using Auraed.EventLog;
using Auraed.Store;
using Auraed.Store.Events;

namespace Auraed.Domain.Assets;

/// <summary>
/// Tells the caches before the origin to forget what is no longer published: a PURGE request for the index, and one for each chunk that no other published asset has. What is to
/// be told stands in the event log already, in the unit that took the publication back; a cursor of its own says how far it was told. It moves on after every cache has answered, so
/// that a kill at any point only repeats requests, which does no harm. A cache that does not answer is asked again, for ever; the cursor keeps the log from being pruned meanwhile.
/// </summary>
public sealed class OriginPurge(Database database, Cursors cursors, EventTail tail, AssetOrigin origin, TimeProvider time)
{
    /// <summary>Who the cursor's events name; no caller can have this name.</summary>
    public const string Principal = "auraed:origin";

    /// <summary>The cursor, of the default tenant: <c>auraed events cursor</c> shows how far it is.</summary>
    public const string Cursor = "origin-purge";

    private static readonly CursorName Name = new(RecordNames.DefaultTenant, Cursor);

    private static readonly string[] Kinds = ["asset_publication.deleted", "asset_publication.updated"];

    /// <summary>Runs until cancelled. Told of each fault; the same events are tried again after a while.</summary>
    /// <param name="file">The caches; null when there are none, and the cursor goes.</param>
    public async Task RunAsync(string? file, Action<Fault> failed, CancellationToken cancel)
    {
        TimeSpan rest = Limits.PurgeRetryMin;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                if (file is null)
                {
                    await cursors.DeleteAsync(Principal, Name, allowMissing: true, cancel).ConfigureAwait(false);
                    return;
                }

                await FollowAsync(PurgeTargets.Read(file), () => rest = Limits.PurgeRetryMin, cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Fault fault)
            {
                failed(fault);
                await Task.Delay(rest, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                rest = rest < Limits.PurgeRetryMax / 2 ? rest * 2 : Limits.PurgeRetryMax;
            }
        }
    }

    private async Task FollowAsync(IReadOnlyList<PurgeTarget> targets, Action succeeded, CancellationToken cancel)
    {
        PurgeCache[] caches = [.. targets.Select(target => new PurgeCache(target, time))];
        try
        {
            await FollowAsync(caches, succeeded, cancel).ConfigureAwait(false);
        }
        finally
        {
            Array.ForEach(caches, cache => cache.Dispose());
        }
    }

    private async Task FollowAsync(PurgeCache[] caches, Action succeeded, CancellationToken cancel)
    {
        long done = await FrontierAsync(cancel).ConfigureAwait(false);
        long saved = done;
        var selection = new EventSelection(RecordNames.DefaultTenant, null, Kinds, []);
        while (true)
        {
            LogPage page = await tail.NextAsync(done, selection, cancel).ConfigureAwait(false);
            foreach (LogEvent told in page.Events)
            {
                await PurgeAsync(told.Message, caches, cancel).ConfigureAwait(false);
            }

            done = page.Sequence;
            if (page.Events.Count > 0 || done - saved >= Limits.PurgeCursorStep)
            {
                CrashPoint.Reach("purge.sent");
                await database.WriteAsync(unit => Advance(unit, done), cancel).ConfigureAwait(false);
                saved = done;
                succeeded();
            }

            await tail.WaitAsync(done, cancel).ConfigureAwait(false);
        }
    }

    private async Task<long> FrontierAsync(CancellationToken cancel)
    {
        if (await database.ReadAsync(unit => new CursorRows(unit).Find(Name.Tenant, Name.Name), cancel).ConfigureAwait(false) is { } stored)
        {
            return stored.Frontier;
        }

        var filter = new EventFilter { Tenant = Name.Tenant };
        filter.Kinds.AddRange(Kinds);
        var draft = new CursorDraft(Name, filter, Limits.PurgeRetryMax, 1, 1, new CursorPlace(null, null));
        _ = await cursors.CreateAsync(Principal, draft, cancel).ConfigureAwait(false);
        return await FrontierAsync(cancel).ConfigureAwait(false);
    }

    private static bool Advance(WriteUnit unit, long frontier)
    {
        var rows = new CursorRows(unit);
        StoredCursor stored = rows.Find(Name.Tenant, Name.Name) ?? throw new Fault(FaultKind.Aborted, $"cursor {Cursor} was deleted while it was in use");
        rows.Advance(stored, Math.Max(stored.Frontier, frontier), stored.LastLease);
        return true;
    }

    private async Task PurgeAsync(Event told, PurgeCache[] caches, CancellationToken cancel)
    {
        RecordEvent record = told.Payload.Unpack<RecordEvent>();
        AssetPublication? before = record.Before?.Body.Unpack<AssetPublication>();
        await SendAsync($"index/{told.Subject}{IndexName.Extension}", caches, cancel).ConfigureAwait(false);
        if (before is not null)
        {
            // Of an asset that is gone meanwhile the list of chunks is gone, too; they leave the caches as they age.
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = Limits.PurgeRequestsMax, CancellationToken = cancel };
            await Parallel.ForEachAsync(
                origin.WithdrawnAsync(before.Asset, cancel), parallel, async (id, token) => await SendAsync(ChunkFile.PathOf(id), caches, token).ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    private static async Task SendAsync(string path, PurgeCache[] caches, CancellationToken cancel)
    {
        foreach (PurgeCache cache in caches)
        {
            await cache.ForgetAsync(path, cancel).ConfigureAwait(false);
        }
    }
}
