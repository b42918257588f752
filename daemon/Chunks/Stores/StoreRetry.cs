using System.Security.Cryptography;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>Tries a call again when its fault may pass by itself, and only then: who made the fault decided that (<see cref="Fault.IsTransient"/>).</summary>
public sealed class StoreRetry(TimeProvider clock, int triesMax = Limits.StoreTriesMax)
{
    public async Task<T> RunAsync<T>(Func<Task<T>> call, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call();
            }
            catch (Fault fault) when (fault.IsTransient && attempt < triesMax)
            {
                await Task.Delay(Wait(fault, attempt), clock, cancel);
            }
        }
    }

    public Task RunAsync(Func<Task> call, CancellationToken cancel) => RunAsync(
        async () =>
        {
            await call();
            return true;
        }, cancel);

    private static TimeSpan Wait(Fault fault, int attempt)
    {
        var wait = Limits.StoreRetryAfter * Math.Pow(2, attempt - 1);
        if (fault.RetryAfter is { } asked && asked > wait)
        {
            wait = asked < Limits.StoreAnswerMax ? asked : Limits.StoreAnswerMax;
        }

        // Callers that failed together do not come back together.
        return wait * (RandomNumberGenerator.GetInt32(750, 1251) / 1000.0);
    }
}
