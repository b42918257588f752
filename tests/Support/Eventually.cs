using System.Diagnostics;

namespace Auraed.Tests.Support;

/// <summary>Waits on a condition, not on a time.</summary>
public static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(() => Task.FromResult(condition()), what);

    /// <param name="patience">20 s when not given.</param>
    public static async Task HoldsAsync(Func<Task<bool>> condition, string what, TimeSpan? patience = null)
    {
        var most = patience ?? Patience;
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < most, $"It did not come to hold within {most.TotalSeconds} s: {what}");
            await Task.Delay(5);
        }
    }
}
