using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Auraed.Chunks;

namespace Auraed.Bench;

/// <summary>How fast content is cut and named, alone, on one core: beside OpenSSL's own measure of the digest, and casync, which does the same with a store that has every chunk.</summary>
internal sealed class ChunkBench(BenchOptions options, Scratch scratch, Report report)
{
    private const int ContentBytes = 128 * 1024 * 1024;
    private const double MiB = 1024 * 1024;

    public Task RunAsync()
    {
        foreach (var (name, content) in new[] { ("random", Noise()), ("log text", Text()) })
        {
            Measure(name, content);
        }

        return Task.CompletedTask;
    }

    private void Measure(string name, byte[] content)
    {
        var path = scratch.File("chunks-input");
        File.WriteAllBytes(path, content);
        var store = scratch.Make("casync-" + name.Replace(' ', '-')) + "/s.castr";
        Casync(path, store);
        var (cut, digest, both, openssl, casync, ratios) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        // The first round compiles.
        for (var round = -1; round < options.Rounds; round++)
        {
            var rates = (Cut: Rate(() => Cut(content, withDigest: false)), Digest: Rate(() => Digest(content)), Both: Rate(() => Cut(content, withDigest: true)), OpenSsl: OpenSsl(), Casync: Rate(() => Casync(path, store)));
            if (round >= 0)
            {
                cut.Add(rates.Cut);
                digest.Add(rates.Digest);
                both.Add(rates.Both);
                openssl.Add(rates.OpenSsl);
                casync.Add(rates.Casync);
                ratios.Add(rates.Both / rates.Casync);
            }
        }

        report.Table(
            $"Cutting and naming, {name}", $"{content.Length / MiB:0} MiB in memory, 16:64:256 KiB; MiB for each second of processor time of one core.",
            ["what", "median", "min", "max"],
            [
                Row("cut", cut), Row("SHA-256 of 64 KiB pieces", digest), Row("cut and SHA-256", both), Row("openssl speed sha256, 64 KiB", openssl), Row("casync make, store populated", casync),
            ]);
        report.AtLeast($"cut and SHA-256 of {name}, MiB/s a core", Machine.Median(both), 370);
        report.AtLeast($"the same, to casync make of unchanged {name}", Machine.Median(ratios), 1);
    }

    private static object?[] Row(string what, List<double> rates) => [what, Machine.Median(rates), rates.Min(), rates.Max()];

    private static void Cut(ReadOnlySpan<byte> content, bool withDigest)
    {
        while (content.Length > 0)
        {
            var length = ChunkCut.Find(content, ChunkSizes.Default);
            if (withDigest)
            {
                _ = ChunkDigest.Sha256.Compute(content[..length]);
            }

            content = content[length..];
        }
    }

    private static void Digest(ReadOnlySpan<byte> content)
    {
        for (; content.Length > 0; content = content[(64 * 1024)..])
        {
            _ = ChunkDigest.Sha256.Compute(content[..(64 * 1024)]);
        }
    }

    /// <summary>By processor time, ended children's too: what else runs on the machine is not counted.</summary>
    private static double Rate(Action run)
    {
        var before = Machine.CpuSecondsWithChildren(Environment.ProcessId);
        run();
        var seconds = Machine.CpuSecondsWithChildren(Environment.ProcessId) - before;
        return ContentBytes / MiB / Math.Max(seconds, 0.01);
    }

    private static void Casync(string path, string store) =>
        Peer.Run("casync", ["make", "--digest=sha256", "--store=" + store, Path.ChangeExtension(store, ".caibx"), path]);

    /// <summary>The last column of its table, thousands of bytes for each second of processor time.</summary>
    private static double OpenSsl()
    {
        var start = new ProcessStartInfo("openssl", ["speed", "-bytes", "65536", "-seconds", "1", "sha256"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Peer.Launch(start);
        var errors = process.StandardError.ReadToEndAsync();
        var line = process.StandardOutput.ReadToEnd().Split('\n').LastOrDefault(text => text.StartsWith("sha256", StringComparison.Ordinal));
        process.WaitForExit();
        _ = errors.Result;
        return line is not null && double.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1].TrimEnd('k'), CultureInfo.InvariantCulture, out var thousands)
            ? thousands * 1000 / MiB
            : throw new PeerException("openssl speed printed no rate");
    }

    private static byte[] Noise() => RandomNumberGenerator.GetBytes(ContentBytes);

    private static byte[] Text()
    {
        var content = new byte[ContentBytes];
        var random = new Random(1);
        for (var offset = 0; offset < content.Length;)
        {
            var line = System.Text.Encoding.ASCII.GetBytes(
                $"Nov {random.Next(1, 31):00} {random.Next(24):00}:{random.Next(60):00}:{random.Next(60):00} host daemon[{random.Next(40000)}]: request {random.NextInt64():x} took {random.Next(1000)} ms\n");
            var count = Math.Min(line.Length, content.Length - offset);
            line.AsSpan(0, count).CopyTo(content.AsSpan(offset));
            offset += count;
        }

        return content;
    }
}
