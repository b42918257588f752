using System.Diagnostics;

namespace Auraed.Tests.Support;

/// <summary>Waits for a condition instead of for a time.</summary>
internal static class Wait
{
    /// <summary>Returns when the condition holds; fails the test when it does not within ten seconds.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what = "the condition")
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{what} did not come true within 10 s");
            await Task.Delay(5);
        }
    }
}
