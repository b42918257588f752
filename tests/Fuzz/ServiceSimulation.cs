using System.Globalization;
using Auraed.Supervise;
using Xunit.Abstractions;

namespace Auraed.Tests.Fuzz;

/// <summary>
/// A million short histories of one service in a made-up world: exits, crashes, slow starts, probes that flap, clock jumps, restarts of the daemon,
/// reboots, requests. SEED= repeats a run; a failure names the seed of its one history, which alone repeats it as SEED= with HISTORIES=1.
/// </summary>
public class ServiceSimulation(ITestOutputHelper output)
{
    private static readonly int Histories = int.TryParse(Environment.GetEnvironmentVariable("HISTORIES"), CultureInfo.InvariantCulture, out int given) ? given : 1_000_000;

    [Fact]
    public void Whatever_happens_one_instance_lives_and_nothing_is_down_without_a_reason()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SEED"), CultureInfo.InvariantCulture, out int given) ? given : Environment.TickCount & 0xffffff;
        output.WriteLine($"SEED={seed}");
        var world = new ServiceWorld();
        for (int history = 0; history < Histories; history++)
        {
            string? broken = world.Live(seed + history);
            Assert.True(broken is null, $"SEED={seed + history} HISTORIES=1: {broken}");
        }

        output.WriteLine($"{Histories} histories, {world.Steps} steps, {world.Launches} launches, {world.Adoptions} adoptions, {world.GivenUp} given up");
        Assert.True(Histories == 1 || world is { Launches: > 1000, Adoptions: > 1000, GivenUp: > 100 }, "the world is too quiet to show anything");
    }
}
