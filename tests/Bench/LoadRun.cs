using System.Globalization;
using System.Text.Json;

namespace Auraed.Bench;

/// <summary>Where and how the load generator calls: one server, one method, one kind of message.</summary>
internal sealed record Target(string Name, int ServerId, IReadOnlyList<string> Address, string Path, string Body)
{
    public static IReadOnlyList<string> Unix(string path) => ["--unix", path];
}

/// <summary>One turn of the load generator, as it reports it. Times in microseconds.</summary>
internal sealed record LoadRun(
    long Requests, long Failed, long Issued, double Seconds, double PerSecond, double P50, double P99, double P999, double Max, double LoadCpu, double ServerCpu, string Failure,
    long Events = 0, double EventsPerSecond = 0, double EventP50 = 0, double EventP99 = 0)
{
    public double ServerMicrosecondsPerRequest => Requests == 0 ? 0 : ServerCpu * 1e6 / Requests;

    public static LoadRun Make(BenchOptions options, Target target, int streams, double seconds, params IEnumerable<string> more)
    {
        string[] arguments =
        [
            .. target.Address, "--path", target.Path, "--body", target.Body, "--streams", Text(streams), "--connections", Text(Connections(streams)),
            "--seconds", Text(seconds), "--warmup", "0.3", "--pid", Text(target.ServerId), .. more,
        ];
        var run = Parse(Peer.Run(System.IO.Path.Combine(options.Tools, "load"), arguments, 3));
        return run.Failed == 0 ? run : throw new PeerException($"{target.Name}: {run.Failed} calls failed at {streams} streams: {run.Failure}");
    }

    /// <summary>As many streams per connection as gRPC's clients open before they would rather take another connection.</summary>
    public static int Connections(int streams) => (streams + 99) / 100;

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static LoadRun Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        double Number(string name) => root.GetProperty(name).GetDouble();
        return new LoadRun(
            (long)Number("requests"), (long)Number("failed"), (long)Number("issued"), Number("seconds"), Number("requests_per_second"), Number("p50_us"), Number("p99_us"),
            Number("p999_us"), Number("max_us"), Number("load_cpu_seconds"), Number("server_cpu_seconds"),
            $"{root.GetProperty("failures")} {root.GetProperty("first_error").GetString()}",
            (long)Number("events"), Number("events_per_second"), Number("event_p50_us"), Number("event_p99_us"));
    }
}
