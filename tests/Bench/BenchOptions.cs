using System.Globalization;

namespace Auraed.Bench;

/// <summary>What the command line asks for.</summary>
/// <param name="Only">Parts to run; empty for all.</param>
/// <param name="Rounds">Turns that each server takes per case.</param>
/// <param name="Seconds">Measured time of one turn.</param>
internal sealed record BenchOptions(IReadOnlyList<string> Only, int Rounds, double Seconds, IReadOnlyList<int> Streams, bool IsLong, bool IsJson, string Binary, string Tools)
{
    public const string Help = """
        usage: Auraed.Bench [--only PART,...] [--rounds N] [--seconds S] [--streams N,...] [--long] [--output table|json]

          --only PART,...     start, transport, store, events, verify, chunks, assets, beside, collect, supervise, soak, growth; all by default
          --rounds N          turns that each server takes per case (5; 9 with --long)
          --seconds S         measured time of one turn (1)
          --streams N,...     concurrent calls (1,16,64,256)
          --long              more rounds, and the cases that take minutes
          --output FORMAT     table (default) or json: one object with every measured row and every bar
          --binary FILE       the daemon (artifacts/auraed)
          --tools DIR         where `make bench` put the load generator and the peers (artifacts/bench)
        """;

    public static BenchOptions? Parse(string[] arguments, out string wrong)
    {
        wrong = "";
        var values = new Dictionary<string, string>();
        string[] known = ["--only", "--rounds", "--seconds", "--streams", "--output", "--binary", "--tools"];
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] == "--long")
            {
                values["--long"] = "";
            }
            else if (known.Contains(arguments[i]) && i + 1 < arguments.Length)
            {
                values[arguments[i]] = arguments[++i];
            }
            else
            {
                wrong = $"'{arguments[i]}' is not an option, or its value is missing";
                return null;
            }
        }

        var isLong = values.ContainsKey("--long");
        var streams = values.GetValueOrDefault("--streams", "1,16,64,256").Split(',').Select(text => int.TryParse(text, out var count) ? count : 0).ToArray();
        if (!int.TryParse(values.GetValueOrDefault("--rounds", isLong ? "9" : "5"), out var rounds) || rounds < 1
            || !double.TryParse(values.GetValueOrDefault("--seconds", "1"), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) || seconds <= 0
            || streams.Any(count => count < 1) || values.GetValueOrDefault("--output", "table") is not ("table" or "json"))
        {
            wrong = "a value is out of range";
            return null;
        }

        return new BenchOptions(
            values.TryGetValue("--only", out var only) ? only.Split(',') : [], rounds, seconds, streams, isLong, values.GetValueOrDefault("--output") == "json",
            Path.GetFullPath(values.GetValueOrDefault("--binary", "artifacts/auraed")), Path.GetFullPath(values.GetValueOrDefault("--tools", "artifacts/bench")));
    }
}
