using Auraed.Base;

namespace Auraed.Domain.Assets;

/// <summary>How many transfers run at a time. Fault(Exhausted) when all places are taken and nobody is idle.</summary>
/// <param name="What">In the plural, for faults.</param>
/// <param name="Reason">Of the fault.</param>
/// <param name="CountMax">Of all tenants.</param>
/// <param name="OfTenantMax">Of one, so that another finds a place.</param>
internal sealed record TransferBounds(string What, string Reason, int CountMax, int OfTenantMax);

/// <summary>
/// The places of transfers. One whose caller has neither sent nor taken a message for a while keeps its place as long as nobody needs it; then it is ended, and the place is the newcomer's.
/// Invariants: no tenant has more than its share; only who waits for his caller is ended.
/// </summary>
internal sealed class TransferPlaces(TransferBounds bounds, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly List<TransferPlace> _taken = [];

    /// <summary>Disposing the answer gives the place back.</summary>
    /// <param name="ended">What a transfer is told that loses its place.</param>
    public TransferPlace Enter(string tenant, Fault ended)
    {
        lock (_gate)
        {
            bool isShareTaken = _taken.Count(place => place.Tenant == tenant) >= bounds.OfTenantMax;
            if (isShareTaken || _taken.Count >= bounds.CountMax)
            {
                TransferPlace idle = _taken.Where(place => (!isShareTaken || place.Tenant == tenant) && place.Idle >= Limits.TransferIdleMax).MaxBy(place => place.Idle) ?? throw Full(tenant, isShareTaken);
                _ = _taken.Remove(idle);
                idle.End();
            }

            var entered = new TransferPlace(this, tenant, ended, time);
            _taken.Add(entered);
            return entered;
        }
    }

    internal void Leave(TransferPlace place)
    {
        lock (_gate)
        {
            _ = _taken.Remove(place);
        }
    }

    private Fault Full(string tenant, bool isShareTaken) =>
        new(FaultKind.Exhausted, isShareTaken ? $"{bounds.OfTenantMax} {bounds.What} run already for tenant '{tenant}'" : $"{bounds.CountMax} {bounds.What} run already")
        { Reason = bounds.Reason, RetryAfter = Limits.AssetRetryAfter };
}

/// <summary>One transfer's place. Of one call, which waits for its caller through it.</summary>
internal sealed class TransferPlace(TransferPlaces places, string tenant, Fault ended, TimeProvider time) : IDisposable
{
    private const long Busy = -1;

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _since = Busy;

    public string Tenant => tenant;

    /// <summary>How long the transfer has waited for its caller; zero when it does not.</summary>
    public TimeSpan Idle => Volatile.Read(ref _since) is var since && since == Busy ? TimeSpan.Zero : time.GetElapsedTime(since);

    /// <summary>Waits for the caller to send or to take a message. Throws what the place was entered with when another needs it; the step is left to itself then.</summary>
    public async Task WaitAsync(Task step)
    {
        Volatile.Write(ref _since, time.GetTimestamp());
        await Task.WhenAny(step, _ended.Task).ConfigureAwait(false);
        Volatile.Write(ref _since, Busy);
        if (_ended.Task.IsCompleted)
        {
            _ = step.ContinueWith(static left => _ = left.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw ended;
        }

        await step.ConfigureAwait(false);
    }

    /// <summary>The caller's next message, as <see cref="IAsyncEnumerator{T}.MoveNextAsync"/>.</summary>
    public async ValueTask<bool> NextAsync<T>(IAsyncEnumerator<T> messages)
    {
        ValueTask<bool> next = messages.MoveNextAsync();
        if (next.IsCompleted)
        {
            return await next.ConfigureAwait(false);
        }

        Task<bool> step = next.AsTask();
        await WaitAsync(step).ConfigureAwait(false);
        return await step.ConfigureAwait(false);
    }

    public void Dispose() => places.Leave(this);

    internal void End() => _ended.TrySetResult();
}
