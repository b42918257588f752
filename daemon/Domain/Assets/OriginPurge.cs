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
using Auraed.Store.Assets;
using Auraed.Store.Events;

namespace Auraed.Domain.Assets;

/// <summary>
/// Tells the caches before the origin to forget what is no longer published: a PURGE request for the index, and one for each chunk that no other published asset has. What is to
/// be told stands in the event log already, in the unit that took the publication back, and what it showed is kept until then (<see cref="WithdrawalRows"/>), though the asset be deleted
/// meanwhile. Each cache is told by itself, so that one that is away holds up no other; a cursor says how far all of them were told. A kill at any point only repeats requests, which
/// does no harm. A cache that does not answer is asked again, for ever; the cursor keeps the log from being pruned meanwhile.
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
    /// <param name="file">The caches; null when there are none, and the cursor goes. It is read again whenever one has failed.</param>
    public async Task RunAsync(string? file, Action<Fault> failed, CancellationToken cancel)
    {
        TimeSpan rest = Limits.PurgeRetryMin;
        PurgeProgress? progress = null;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                IReadOnlyList<PurgeTarget> targets = file is null ? [] : PurgeTargets.Read(file);
                if (targets.Count == 0)
                {
                    await EndAsync(cancel).ConfigureAwait(false);
                    break;
                }

                progress ??= new PurgeProgress(database, await FrontierAsync(cancel).ConfigureAwait(false));
                await TellAsync(file!, targets, progress, failed, cancel).ConfigureAwait(false);
                rest = Limits.PurgeRetryMin;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
            catch (Fault fault)
            {
                // The log or the cursor: where the cursor stands is asked anew.
                progress?.Dispose();
                progress = null;
                failed(fault);
                await Task.Delay(rest, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                rest = Longer(rest);
            }
        }

        progress?.Dispose();
    }

    private static TimeSpan Longer(TimeSpan rest) => rest < Limits.PurgeRetryMax / 2 ? rest * 2 : Limits.PurgeRetryMax;

    /// <summary>Nobody is there to be told: nothing is kept for it.</summary>
    private async Task EndAsync(CancellationToken cancel)
    {
        await cursors.DeleteAsync(Principal, Name, allowMissing: true, cancel).ConfigureAwait(false);
        _ = await database.WriteAsync(unit => WithdrawalRows.Clear(unit, long.MaxValue), cancel).ConfigureAwait(false);
    }

    /// <summary>Returns when the file names other caches.</summary>
    private async Task TellAsync(string file, IReadOnlyList<PurgeTarget> targets, PurgeProgress progress, Action<Fault> failed, CancellationToken cancel)
    {
        progress.Choose(targets);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task[] all = [.. targets.Select(target => FollowAsync(target, progress, HasChanged, failed, end.Token))];
        try
        {
            await (await Task.WhenAny(all).ConfigureAwait(false)).ConfigureAwait(false);
        }
        finally
        {
            await end.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        bool HasChanged()
        {
            try
            {
                return !PurgeTargets.Read(file).SequenceEqual(targets);
            }
            catch (Fault fault)
            {
                failed(fault);
                return false;
            }
        }
    }

    private async Task FollowAsync(PurgeTarget target, PurgeProgress progress, Func<bool> hasChanged, Action<Fault> failed, CancellationToken cancel)
    {
        using var cache = new PurgeCache(target, time);
        var selection = new EventSelection(RecordNames.DefaultTenant, null, Kinds, []);
        while (true)
        {
            LogPage page = await tail.NextAsync(progress.Of(target), selection, cancel).ConfigureAwait(false);
            foreach (LogEvent told in page.Events)
            {
                for (TimeSpan rest = Limits.PurgeRetryMin; await TryAsync(told.Message, cache, cancel).ConfigureAwait(false) is { } fault; rest = Longer(rest))
                {
                    failed(fault);
                    await Task.Delay(rest, time, cancel).ConfigureAwait(false);
                    if (hasChanged())
                    {
                        return;
                    }
                }

                progress.Note(target, told.Message.Sequence, isWithdrawal: true);
            }

            progress.Note(target, page.Sequence, isWithdrawal: false);
            await progress.KeepAsync(cancel).ConfigureAwait(false);
            await tail.WaitAsync(page.Sequence, cancel).ConfigureAwait(false);
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

    /// <summary>Tells one cache of one event; answers why it could not be told, or null.</summary>
    private async Task<Fault?> TryAsync(Event told, PurgeCache cache, CancellationToken cancel)
    {
        try
        {
            AssetPublication? before = told.Payload.Unpack<RecordEvent>().Before?.Body.Unpack<AssetPublication>();
            await cache.ForgetAsync($"index/{told.Subject}{IndexName.Extension}", cancel).ConfigureAwait(false);
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = Limits.PurgeRequestsMax, CancellationToken = cancel };
            await Parallel.ForEachAsync(
                origin.WithdrawnAsync(told.Sequence, before?.Asset, cancel), parallel, async (id, token) => await cache.ForgetAsync(ChunkFile.PathOf(id), token).ConfigureAwait(false)).ConfigureAwait(false);
            return null;
        }
        catch (Fault fault)
        {
            return fault;
        }
    }
}
