using System.Globalization;
using System.Text.Json;

namespace Auraed.Bench;

/// <summary>What the machine and the engine allow, by the C program that does nothing else.</summary>
internal sealed class Limits(BenchOptions options, Scratch scratch)
{
    private const string Migrations = "migrations/sql";

    public object?[] Sync(double seconds)
    {
        var file = scratch.File("sync");
        using var result = Run("sync", file, Text(seconds));
        File.Delete(file);
        return Row("limit: fdatasync of 4 KiB appends", 1, result);
    }

    /// <summary>Median, 99 per cent and 99.9 per cent of the microseconds from the call of posix_spawn until the program is executed.</summary>
    public (double P50, double P99, double P999) Spawns(int count, params IEnumerable<string> command)
    {
        using var result = Run(["spawn", Text(count), .. command]);
        return (result.RootElement.GetProperty("p50_us").GetDouble(), result.RootElement.GetProperty("p99_us").GetDouble(), result.RootElement.GetProperty("p999_us").GetDouble());
    }

    /// <summary>Rows per second at a group size; the latency is a group's commit.</summary>
    public object?[] Rows(double seconds, int group, bool isRandom)
    {
        var file = scratch.File("rows.db");
        string[] sql = [.. Directory.GetFiles(Migrations, "*.up.sql").Order(StringComparer.Ordinal)];
        using var result = Run(["rows", file, Text(seconds), Text(group), isRandom ? "random" : "time", .. sql]);
        foreach (var path in Directory.GetFiles(scratch.Path, "rows.db*"))
        {
            File.Delete(path);
        }

        return Row(isRandom ? "limit: C on SQLCipher, random names" : "limit: C on SQLCipher, ordered ids", group, result);
    }

    private static object?[] Row(string name, int group, JsonDocument result)
    {
        double Number(string field) => result.RootElement.GetProperty(field).GetDouble();
        return [name, group, Number("requests_per_second"), Number("p50_us"), Number("p99_us"), Number("p999_us"), Number("cpu_seconds") * 1e6 / Number("requests"), null];
    }

    private JsonDocument Run(params IEnumerable<string> arguments) => JsonDocument.Parse(Peer.Run(Path.Combine(options.Tools, "limits"), arguments));

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
