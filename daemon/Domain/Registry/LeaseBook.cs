using Auraed.Base;
using Auraed.Store.Registry;

namespace Auraed.Domain.Registry;

/// <summary>A lease that was renewed and is not yet saved.</summary>
public readonly record struct RenewedLease(string Tenant, string Id, long RowId, long Deadline);

/// <summary>A lease that is up.</summary>
public readonly record struct EndedLease(string Tenant, string Id, long RowId);

/// <summary>
/// The leases of the registry in memory, so that a heartbeat costs no write. The lease clock counts the time that daemons run on this file: its reading
/// is saved with the leases and goes on from there at a start, plus what may have passed since.
/// Invariants: a deadline is a reading of that clock; a lease that is being ended is not renewed; safe from any thread.
/// </summary>
public sealed class LeaseBook
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Dictionary<(string Tenant, string Id), Lease> _leases = [];
    private readonly PriorityQueue<Lease, long> _order = new();
    private readonly HashSet<Lease> _renewed = [];
    private readonly long _base;
    private readonly long _started;

    /// <param name="saved">The clock's last reading and when it was taken, nanoseconds since 1970 UTC.</param>
    public LeaseBook(TimeProvider time, (long Ticks, long Wall) saved)
    {
        _time = time;
        _started = time.GetTimestamp();
        // After a kill the clock lacks at most one interval. What passed beyond that, the daemon was down: it does not count. A clock that was set
        // back or forward meanwhile is worth an interval at most.
        TimeSpan since = saved.Wall == 0 ? TimeSpan.Zero : time.GetUtcNow() - DateTimeOffset.UnixEpoch.AddTicks(saved.Wall / TimeSpan.NanosecondsPerTick);
        _base = saved.Ticks + Math.Clamp(since.Ticks, 0, Limits.LeaseSaveInterval.Ticks);
    }

    /// <summary>The lease clock: ticks of 100 ns.</summary>
    public long Now => _base + _time.GetElapsedTime(_started).Ticks;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _leases.Count;
            }
        }
    }

    /// <summary>When the next lease may be up, by the lease clock; null without one.</summary>
    public long? Next
    {
        get
        {
            lock (_lock)
            {
                return _order.TryPeek(out _, out long deadline) ? deadline : null;
            }
        }
    }

    /// <summary>Takes up what the file holds, at the start; returns the leases that got the grace, to be saved as such.</summary>
    public List<RenewedLease> Load(IEnumerable<StoredLease> stored)
    {
        var graced = new List<RenewedLease>();
        long now = Now;
        lock (_lock)
        {
            foreach (StoredLease row in stored)
            {
                long ttl = row.Ttl / TimeSpan.NanosecondsPerTick;
                long deadline = Math.Min(row.Deadline ?? now + ttl, now + ttl);
                bool isGraced = row.IsGraced;
                if (!row.IsGraced && deadline - now < Limits.LeaseGrace.Ticks)
                {
                    long given = now + Math.Min(Limits.LeaseGrace.Ticks, ttl);
                    if (given > deadline)
                    {
                        (deadline, isGraced) = (given, true);
                        graced.Add(new RenewedLease(row.Tenant, row.Id, row.RowId, deadline));
                    }
                }

                Add(row.Tenant, row.Id, row.RowId, ttl, deadline).IsGraced = isGraced;
            }
        }

        return graced;
    }

    /// <summary>Gives an entry a lease, or renews it with another time; returns the deadline, which the caller saves itself.</summary>
    public long Put(string tenant, string id, long rowId, TimeSpan ttl)
    {
        lock (_lock)
        {
            Drop(tenant, id);
            return Add(tenant, id, rowId, ttl.Ticks, Now + ttl.Ticks).Deadline;
        }
    }

    /// <summary>False when there is no such lease, or it is up.</summary>
    public bool Renew(string tenant, string id)
    {
        lock (_lock)
        {
            long now = Now;
            if (!_leases.TryGetValue((tenant, id), out Lease? lease) || lease.IsEnding || lease.Deadline <= now)
            {
                return false;
            }

            // Its place in the order is mended when it comes up.
            lease.Deadline = now + lease.Ttl;
            _renewed.Add(lease);
            return true;
        }
    }

    public void Remove(string tenant, string id)
    {
        lock (_lock)
        {
            Drop(tenant, id);
        }
    }

    /// <summary>What is left; zero when it is up, null when there is no lease.</summary>
    public TimeSpan? Remaining(string tenant, string id)
    {
        lock (_lock)
        {
            return _leases.TryGetValue((tenant, id), out Lease? lease) ? TimeSpan.FromTicks(lease.IsEnding ? 0 : Math.Max(0, lease.Deadline - Now)) : null;
        }
    }

    /// <summary>Takes leases that are up, at most so many. Each is renewed no more; it goes with <see cref="Remove"/> or comes back with <see cref="Keep"/>.</summary>
    public List<EndedLease> TakeEnded(int countMax)
    {
        var ended = new List<EndedLease>();
        lock (_lock)
        {
            long now = Now;
            while (ended.Count < countMax && _order.TryPeek(out Lease? lease, out long at) && at <= now)
            {
                _ = _order.Dequeue();
                if (lease.IsGone)
                {
                    continue;
                }

                if (lease.Deadline > now)
                {
                    _order.Enqueue(lease, lease.Deadline);
                    continue;
                }

                lease.IsEnding = true;
                ended.Add(new EndedLease(lease.Tenant, lease.Id, lease.RowId));
            }
        }

        return ended;
    }

    /// <summary>Takes a lease back whose entry could not be removed; it is up at once again.</summary>
    public void Keep(EndedLease ended)
    {
        lock (_lock)
        {
            if (_leases.TryGetValue((ended.Tenant, ended.Id), out Lease? lease) && lease.RowId == ended.RowId && lease.IsEnding)
            {
                _order.Enqueue(lease, lease.Deadline);
            }
        }
    }

    /// <summary>True while the lease that was taken is still that entry's: nobody has registered it anew meanwhile.</summary>
    public bool IsEnding(EndedLease ended)
    {
        lock (_lock)
        {
            return _leases.TryGetValue((ended.Tenant, ended.Id), out Lease? lease) && lease.RowId == ended.RowId && lease.IsEnding;
        }
    }

    /// <summary>Takes what was renewed since, at most so many.</summary>
    public List<RenewedLease> TakeRenewed(int countMax)
    {
        lock (_lock)
        {
            Lease[] taken = [.. _renewed.Take(countMax)];
            _renewed.ExceptWith(taken);
            return [.. taken.Select(lease => lease.Renewed)];
        }
    }

    /// <summary>
    /// Those of the renewed that a kill might end before their next heartbeat, a third of the time from now, because the file lacks this one: they are written before it
    /// is answered. They are few: the file holds what others have, or a start gives them the grace.
    /// </summary>
    public List<RenewedLease> Pressing(string tenant, IEnumerable<string> ids)
    {
        var pressing = new List<RenewedLease>();
        lock (_lock)
        {
            long now = Now;
            foreach (string id in ids)
            {
                if (_leases.TryGetValue((tenant, id), out Lease? lease) && _renewed.Contains(lease) && !lease.IsSafe(now))
                {
                    pressing.Add(lease.Renewed);
                }
            }
        }

        return pressing;
    }

    /// <summary>The file has these now.</summary>
    public void Saved(IEnumerable<RenewedLease> saved)
    {
        lock (_lock)
        {
            foreach (RenewedLease renewed in saved)
            {
                if (_leases.TryGetValue((renewed.Tenant, renewed.Id), out Lease? lease) && lease.RowId == renewed.RowId)
                {
                    (lease.Saved, lease.IsGraced) = (renewed.Deadline, false);
                    if (lease.Deadline == renewed.Deadline)
                    {
                        _renewed.Remove(lease);
                    }
                }
            }
        }
    }

    private Lease Add(string tenant, string id, long rowId, long ttl, long deadline)
    {
        var lease = new Lease(tenant, id, rowId, ttl) { Deadline = deadline, Saved = deadline };
        _leases[(tenant, id)] = lease;
        _order.Enqueue(lease, deadline);
        return lease;
    }

    private void Drop(string tenant, string id)
    {
        if (_leases.Remove((tenant, id), out Lease? lease))
        {
            lease.IsGone = true;
            _renewed.Remove(lease);
        }
    }

    private sealed class Lease(string tenant, string id, long rowId, long ttl)
    {
        public string Tenant { get; } = tenant;

        public string Id { get; } = id;

        public long RowId { get; } = rowId;

        public long Ttl { get; } = ttl;

        public long Deadline { get; set; }

        /// <summary>The deadline that the file has.</summary>
        public long Saved { get; set; }

        /// <summary>The file has it as one that a start has prolonged: the next gives it no more.</summary>
        public bool IsGraced { get; set; }

        public RenewedLease Renewed => new(Tenant, Id, RowId, Deadline);

        public bool IsEnding { get; set; }

        public bool IsGone { get; set; }

        /// <summary>What the file has, or the grace, lasts over a kill until a third of the time has passed.</summary>
        public bool IsSafe(long now)
        {
            long third = Ttl / 3;
            return Saved - now >= third + Limits.LeaseSaveInterval.Ticks + Limits.LeaseLookInterval.Ticks || (!IsGraced && third <= Limits.LeaseGrace.Ticks - Limits.LeaseLookInterval.Ticks);
        }
    }
}
