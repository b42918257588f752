namespace Auraed.Bench;

/// <summary>Several servers measured in turns: every round visits each once, every other round in reverse, so that what else the machine does falls on all.</summary>
internal sealed class Rounds
{
    private readonly Dictionary<string, List<LoadRun>> _runs = [];

    public static Rounds Make(BenchOptions options, IReadOnlyList<Target> targets, int streams, Func<Target, int, LoadRun> run)
    {
        var rounds = new Rounds();
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var target in round % 2 == 0 ? targets : targets.Reverse())
            {
                if (!rounds._runs.TryGetValue(target.Name, out var runs))
                {
                    rounds._runs[target.Name] = runs = [];
                }

                runs.Add(run(target, streams));
            }
        }

        return rounds;
    }

    public double Median(string name, Func<LoadRun, double> of) => Machine.Median(_runs[name].Select(of));

    /// <summary>The median over the rounds of one server's figure divided by the other's of the same round.</summary>
    public double Ratio(string name, string to, Func<LoadRun, double> of) =>
        Machine.Median(_runs[name].Zip(_runs[to], (one, other) => of(other) == 0 ? 0 : of(one) / of(other)));

    public object?[] Row(string name, int streams, string? to) =>
    [
        name, streams, Median(name, run => run.PerSecond), Median(name, run => run.P50), Median(name, run => run.P99), Median(name, run => run.P999),
        Median(name, run => run.ServerMicrosecondsPerRequest), to is null || to == name ? null : Ratio(name, to, run => run.PerSecond),
    ];

    public static readonly string[] Columns = ["server", "streams", "requests/s", "p50 us", "p99 us", "p99.9 us", "server cpu us/request", "ratio"];
}
