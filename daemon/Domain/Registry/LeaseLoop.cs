using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Registry;
using Microsoft.Extensions.Logging;

namespace Auraed.Domain.Registry;

/// <summary>
/// The loop that ends leases and saves those renewed. Invariants: one loop per book; an entry goes together with its event, in one unit; while there are leases
/// the clock is saved every interval, so that a kill loses no more of it.
/// </summary>
public sealed class LeaseLoop(Database database, LeaseBook book, TimeProvider time, Pulses pulses, ILogger logger)
{
    /// <summary>Who an event of a lease's end names; no caller can have this name.</summary>
    public const string Principal = "auraed:lease";

    private readonly Pulse _pulse = pulses.Add("registry leases", Limits.LeaseRoundMax);
    private long? _saved;

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                TimeSpan rest = Limits.LeaseLookInterval;
                try
                {
                    _pulse.Enter();
                    await RoundAsync(cancel).ConfigureAwait(false);
                }
                catch (Fault fault)
                {
                    Log.LeasesFailed(logger, fault.Message);
                    rest = Limits.LeaseRetry;
                }
                finally
                {
                    _pulse.Leave();
                }

                await Task.Delay(Shorter(rest), time, cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops; what was renewed last is saved by whoever stops it.
        }
    }

    /// <summary>Ends what is up, and saves what was renewed when it is time to.</summary>
    public async Task RoundAsync(CancellationToken cancel)
    {
        List<EndedLease> ended;
        while ((ended = book.TakeEnded(Limits.LeaseBatchCountMax)).Count > 0)
        {
            foreach (IGrouping<string, EndedLease> group in ended.GroupBy(lease => lease.Tenant))
            {
                await EndAsync(group.Key, [.. group], cancel).ConfigureAwait(false);
            }
        }

        if (book.Count > 0 && (_saved is not { } saved || book.Now - saved >= Limits.LeaseSaveInterval.Ticks))
        {
            await SaveAsync(cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Writes the clock and every deadline that was renewed since.</summary>
    public async Task SaveAsync(CancellationToken cancel)
    {
        List<RenewedLease> renewed;
        do
        {
            renewed = book.TakeRenewed(Limits.LeaseBatchCountMax);
            long now = book.Now;
            // A lease that is lost here for a full disk has the grace after a start, as one that a kill forgets.
            await WriteAsync(database, book, renewed, now, cancel).ConfigureAwait(false);
            _saved = now;
        }
        while (renewed.Count == Limits.LeaseBatchCountMax);
    }

    /// <summary>Writes the deadlines and the clock, and tells the book that the file has them.</summary>
    internal static async Task WriteAsync(Database database, LeaseBook book, List<RenewedLease> renewed, long now, CancellationToken cancel)
    {
        await database.WriteAsync(
            unit =>
            {
                renewed.ForEach(lease => LeaseRows.Renew(unit, lease.RowId, lease.Deadline));
                LeaseRows.SetClock(unit, now);
                return 0;
            },
            cancel).ConfigureAwait(false);
        book.Saved(renewed);
    }

    private async Task EndAsync(string tenant, List<EndedLease> ended, CancellationToken cancel)
    {
        try
        {
            await database.WriteAsync(
                unit =>
                {
                    var writer = new RecordWriter(unit, new RecordCall(tenant, Principal) { IsDaemon = true });
                    foreach (EndedLease lease in ended.Where(lease => book.IsEnding(lease) && writer.Find(EntryRows.Table, lease.Id)?.RowId == lease.RowId))
                    {
                        _ = writer.Delete(new RecordDelete(EntryRows.Table, lease.Id, 0, AllowMissing: false));
                    }

                    CrashPoint.Reach("lease.ended");
                    return 0;
                },
                cancel).ConfigureAwait(false);
        }
        catch
        {
            ended.ForEach(book.Keep);
            throw;
        }

        foreach (EndedLease lease in ended.Where(book.IsEnding))
        {
            book.Remove(lease.Tenant, lease.Id);
        }
    }

    private TimeSpan Shorter(TimeSpan rest)
    {
        TimeSpan left = book.Next is { } next ? TimeSpan.FromTicks(Math.Max(0, next - book.Now)) : rest;
        return left < rest && left > TimeSpan.Zero ? left : rest;
    }
}
