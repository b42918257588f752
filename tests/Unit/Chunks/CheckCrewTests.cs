using System.Globalization;
using Auraed.Chunks;

namespace Auraed.Tests.Unit.Chunks;

/// <summary>The threads that inflate and hash.</summary>
public sealed class CheckCrewTests : IDisposable
{
    private readonly CheckCrew _crew = new();

    public void Dispose() => _crew.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public async Task Every_part_runs_once(int count)
    {
        var runs = new int[count];
        await _crew.RunAsync(count, part => Interlocked.Increment(ref runs[part]));
        Assert.All(runs, times => Assert.Equal(1, times));
    }

    [Fact]
    public async Task Jobs_side_by_side_end_each_by_itself()
    {
        var sums = new long[16];
        await Task.WhenAll(Enumerable.Range(0, sums.Length).Select(job => _crew.RunAsync(100, part => Interlocked.Add(ref sums[job], part))));
        Assert.All(sums, sum => Assert.Equal(4950, sum));
    }

    [Fact]
    public async Task A_parts_exception_is_its_callers_alone()
    {
        var wrong = await Assert.ThrowsAsync<InvalidDataException>(() => _crew.RunAsync(10, part => throw new InvalidDataException($"{part}")));
        Assert.InRange(int.Parse(wrong.Message, CultureInfo.InvariantCulture), 0, 9);
        var runs = 0;
        await _crew.RunAsync(10, _ => Interlocked.Increment(ref runs));
        Assert.Equal(10, runs);
    }

    [Fact]
    public async Task Parts_run_below_the_priority_of_the_others()
    {
        // Field 19 of proc(5)'s stat; the first behind the name is 3.
        static int Nice() => int.Parse(File.ReadAllText("/proc/thread-self/stat").Split(") ")[1].Split(' ')[19 - 3], CultureInfo.InvariantCulture);
        var usual = Nice();
        var inCrew = 0;
        await _crew.RunAsync(1, _ => inCrew = Nice());
        Assert.True(inCrew > usual, $"{inCrew} is not above {usual}");
    }

    [Fact]
    public void A_crew_that_had_no_work_is_disposed_of()
    {
        var idle = new CheckCrew();
        idle.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { _ = idle.RunAsync(1, _ => { }); });
    }
}
