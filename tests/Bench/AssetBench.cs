using System.Diagnostics;
using System.Globalization;

namespace Auraed.Bench;

/// <summary>
/// A blob of 512 MiB, half of it random and half text of few words, and a second version with 1 % of it overwritten, into auraed, casync, restic and borg and out again.
/// auraed's CPU is the command's and the daemon's; auraed, restic and borg encipher, casync does not.
/// </summary>
internal sealed class AssetBench(BenchOptions options, Scratch scratch, Report report)
{
    private const int Half = 256 << 20;
    private const int EditBytes = 64 << 10;
    private const double StoredSlack = 1.03;
    private const int RestoreRounds = 7;
    private const string PlainRestore = "auraed restore over the plaintext socket";

    private readonly Daemon _daemon = new(options, scratch, "assets");
    private readonly Dictionary<string, List<Turn>> _turns = [];
    private readonly Dictionary<string, double> _stored = [];
    private string _first = "";
    private string _second = "";

    /// <summary>One command's wall time and CPU, in seconds.</summary>
    private readonly record struct Turn(double Wall, double Cpu);

    public Task RunAsync()
    {
        _first = scratch.File("first.img");
        _second = scratch.File("second.img");
        MakeBlobs();
        var tools = new List<string> { "auraed" };
        var hasCasync = Joins("casync", tools);
        double peak = 0;
        using (var peer = _daemon.StartOrReport(report, "assets"))
        {
            if (peer is null)
            {
                return Task.CompletedTask;
            }

            Auraed(peer);
            if (hasCasync)
            {
                Casync();
            }

            Restores(peer, hasCasync);
            peak = Machine.Mebibytes(peer.Id, "status", "VmHWM");
        }

        _stored["auraed"] = OnDisk(_daemon.Database);
        foreach (var (tool, run) in new (string, Action)[] { ("restic", Restic), ("borg", Borg) })
        {
            if (Joins(tool, tools))
            {
                run();
            }
        }

        Tell(tools, peak);
        return Task.CompletedTask;
    }

    private void MakeBlobs()
    {
        var random = new Random(1);
        var block = new byte[1 << 20];
        var words = Enumerable.Range(0, 4000).Select(_ => $"{random.Next(1_000_000):x} ").ToArray();
        using (var file = File.Create(_first))
        {
            for (var place = 0; place < 2 * Half; place += block.Length)
            {
                if (place < Half)
                {
                    random.NextBytes(block);
                }
                else
                {
                    FillText(block, words, random);
                }

                file.Write(block);
            }
        }

        File.Copy(_first, _second);
        using var second = File.OpenWrite(_second);
        for (var edit = 0; edit < 2 * Half / 100 / EditBytes; edit++)
        {
            random.NextBytes(block.AsSpan(0, EditBytes));
            second.Position = random.NextInt64(2L * Half - EditBytes);
            second.Write(block, 0, EditBytes);
        }
    }

    private static void FillText(byte[] block, string[] words, Random random)
    {
        for (var place = 0; place < block.Length;)
        {
            var word = words[random.Next(words.Length)];
            for (var letter = 0; letter < word.Length && place < block.Length; letter++)
            {
                block[place++] = (byte)word[letter];
            }
        }
    }

    private void Auraed(Peer peer)
    {
        Measure("auraed first", peer, "put", _first);
        Measure("auraed again", peer, "put", _first, "--tag", "first");
        Measure("auraed second", peer, "put", _second);
    }

    /// <summary>In turns, as the disk may still be busy with what was written before.</summary>
    private void Restores(Peer peer, bool hasCasync)
    {
        // As root on the host itself: the kernel says who calls, and nothing needs to be enciphered on the way.
        var config = scratch.File("plain.toml");
        File.WriteAllText(config, $"[system]\nsocket = \"{_daemon.PlaintextSocket}\"\n");
        for (var round = 0; round < RestoreRounds; round++)
        {
            Restore("auraed restore", peer);
            Restore(PlainRestore, peer, "--client-config", config);
            if (hasCasync)
            {
                var target = scratch.File("c.out");
                Keep("casync restore", Run("casync", ["extract", CasyncStore, scratch.File("c.caibx"), target], null));
                Same(target);
                File.Delete(target);
            }
        }

        if (hasCasync)
        {
            Directory.Delete(scratch.File("c.castr"), recursive: true);
        }
    }

    private void Restore(string what, Peer peer, params string[] more)
    {
        var target = scratch.File("auraed.out");
        Measure(what, peer, ["get", "first", target, .. more]);
        Same(target);
        File.Delete(target);
    }

    private void Measure(string what, Peer daemon, params string[] arguments)
    {
        var before = Machine.CpuSecondsWithChildren(daemon.Id);
        var turn = Run(options.Binary, ["assets", .. arguments, "--root", _daemon.Root], null);
        Keep(what, turn with { Cpu = turn.Cpu + Machine.CpuSecondsWithChildren(daemon.Id) - before });
    }

    private string CasyncStore => "--store=" + scratch.File("c.castr");

    private void Casync()
    {
        var index = scratch.File("c.caibx");
        Keep("casync first", Run("casync", ["make", "--digest=sha256", CasyncStore, index, _first], null));
        Keep("casync again", Run("casync", ["make", "--digest=sha256", CasyncStore, index, _first], null));
        Keep("casync second", Run("casync", ["make", "--digest=sha256", CasyncStore, scratch.File("c2.caibx"), _second], null));
        _stored["casync"] = OnDisk(scratch.File("c.castr"));
    }

    private void Restic()
    {
        var environment = new Dictionary<string, string> { ["RESTIC_PASSWORD"] = "bench", ["RESTIC_REPOSITORY"] = scratch.File("restic"), ["RESTIC_CACHE_DIR"] = scratch.File("restic-cache") };
        Run("restic", ["init", "-q"], environment);
        Keep("restic first", Run("restic", ["backup", "-q", _first], environment));
        Keep("restic again", Run("restic", ["backup", "-q", "--force", _first], environment));
        Keep("restic second", Run("restic", ["backup", "-q", _second], environment));
        Keep("restic restore", Run("restic", ["restore", "-q", "latest", "--path", _first, "--target", scratch.File("restic.out")], environment));
        _stored["restic"] = OnDisk(scratch.File("restic"));
        Directory.Delete(scratch.File("restic.out"), recursive: true);
        Directory.Delete(scratch.File("restic"), recursive: true);
    }

    private void Borg()
    {
        var repository = scratch.File("borg");
        var environment = new Dictionary<string, string> { ["BORG_PASSPHRASE"] = "bench", ["BORG_BASE_DIR"] = scratch.Make("borg-base") };
        Run("borg", ["init", "--encryption=repokey", repository], environment);
        Keep("borg first", Run("borg", ["create", "--files-cache=disabled", repository + "::first", _first], environment));
        Keep("borg again", Run("borg", ["create", "--files-cache=disabled", repository + "::again", _first], environment));
        Keep("borg second", Run("borg", ["create", "--files-cache=disabled", repository + "::second", _second], environment));
        Keep("borg restore", Run("borg", ["extract", repository + "::first"], environment, scratch.Make("borg.out")));
        _stored["borg"] = OnDisk(repository);
        Directory.Delete(scratch.File("borg.out"), recursive: true);
        Directory.Delete(repository, recursive: true);
    }

    private void Tell(List<string> tools, double peak)
    {
        const double mebibytes = 2.0 * Half / (1 << 20);
        string[] steps = ["first", "again", "second", "restore"];
        report.Table(
            "Assets: 512 MiB, half random", "wall and CPU in seconds; first: into an empty store; again: the same bytes; second: 1 % overwritten; stored: blocks on the disk, both versions.",
            ["tool", .. steps.SelectMany(step => new[] { step, "cpu" }), "stored MiB"],
            [.. tools.Select(tool => (object?[])[tool, .. steps.SelectMany(step => new object?[] { Of($"{tool} {step}").Wall, Of($"{tool} {step}").Cpu }), _stored[tool]])]);
        report.AtMost("assets, daemon's peak RSS in MiB", peak, 150);
        report.AtLeast("assets, unchanged bytes in MiB per second of CPU", mebibytes / Of("auraed again").Cpu, 370);
        if (!tools.Contains("casync"))
        {
            return;
        }

        report.AtMost("assets, first ingest against casync's", Of("auraed first").Wall / Of("casync first").Wall, 1);
        report.AtMost("assets, unchanged bytes against casync's", Of("auraed again").Wall / Of("casync again").Wall, 1);
        report.AtMost("assets, restore against casync's", RestoreRatio("auraed restore"), 1.3);
        report.AtMost("assets, restore over the plaintext socket against casync's", RestoreRatio(PlainRestore), 1.3);
        report.AtMost("assets, stored bytes against casync's", _stored["auraed"] / _stored["casync"], StoredSlack);
    }

    private bool Joins(string tool, List<string> tools)
    {
        if (File.Exists($"/usr/bin/{tool}"))
        {
            tools.Add(tool);
            return true;
        }

        report.Note($"{tool} is not installed and is left out: packaging/dependencies bench");
        return false;
    }

    private void Keep(string what, Turn turn)
    {
        if (!_turns.TryGetValue(what, out var turns))
        {
            _turns[what] = turns = [];
        }

        turns.Add(turn);
    }

    /// <summary>The median of the rounds' ratios: a disk that is busy is so for both of a round.</summary>
    private double RestoreRatio(string what) => Machine.Median(_turns[what].Zip(_turns["casync restore"], (ours, theirs) => ours.Wall / theirs.Wall));

    private Turn Of(string what) => new(Machine.Median(_turns[what].Select(turn => turn.Wall)), Machine.Median(_turns[what].Select(turn => turn.Cpu)));

    private static Turn Run(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment, string? directory = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory ?? "" };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        // One child at a time ends here, so what ended children add to this process' own account is this one's.
        var cpuBefore = Machine.EndedChildrenCpuSeconds();
        var before = Stopwatch.GetTimestamp();
        using var process = Peer.Launch(start);
        var error = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var wall = Stopwatch.GetElapsedTime(before).TotalSeconds;
        return process.ExitCode == 0 ? new Turn(wall, Machine.EndedChildrenCpuSeconds() - cpuBefore) : throw new PeerException($"{program}: exit {process.ExitCode}\n{error.Result}");
    }

    private void Same(string path)
    {
        using var one = File.OpenRead(_first);
        using var other = File.OpenRead(path);
        if (!System.Security.Cryptography.SHA256.HashData(one).AsSpan().SequenceEqual(System.Security.Cryptography.SHA256.HashData(other)))
        {
            throw new PeerException($"{path} is not what was put");
        }
    }

    /// <summary>Blocks that a file or a directory takes, in MiB.</summary>
    private static double OnDisk(string path) =>
        double.Parse(Peer.Run("du", ["-sk", path]).Split('\t')[0], CultureInfo.InvariantCulture) / 1024;
}
