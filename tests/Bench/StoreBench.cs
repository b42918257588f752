namespace Auraed.Bench;

/// <summary>Durable creates and point reads of 256-byte records beside etcd and PostgreSQL, all on one file system, and beside what the engine and the disk allow.</summary>
internal sealed class StoreBench(BenchOptions options, Scratch scratch, Report report)
{
    private const string Ordered = "auraed Create, its own ids";
    private const string OrderedTls = "auraed Create, its own ids, mTLS";
    private const string Random = "auraed Create, random names";
    private const string RandomTls = "auraed Create, random names, mTLS";
    private const string OrderedJournal = "auraed Create, its own ids, journal";
    private const string RandomJournal = "auraed Create, random names, journal";
    private const string EtcdPut = "etcd Put";
    private const string EtcdRange = "etcd serializable Range";
    private const string Get = "auraed Get";
    private const string PostgresOrdered = "PostgreSQL INSERT, identity key";
    private const string PostgresRandom = "PostgreSQL INSERT, random uuid";
    private const long ReadRecords = 20_000;

    private readonly Daemon _daemon = new(options, scratch, "store", "wal");
    private readonly Daemon _journal = new(options, scratch, "journal", "journal");

    /// <summary>How many random names each server has been asked to create, so that no turn repeats a name of another.</summary>
    private readonly Dictionary<string, long> _next = [];

    public Task RunAsync()
    {
        using var auraed = _daemon.StartOrReport(report, "store");
        using var journal = _journal.StartOrReport(report, "store");
        using var etcd = Etcd.IsInstalled ? new Etcd(scratch) : null;
        using var postgres = Postgres.IsInstalled ? new Postgres(scratch) : null;
        if (etcd is null || postgres is null)
        {
            report.Note("etcd or PostgreSQL is not installed and is left out: packaging/dependencies bench");
        }

        Creates(auraed, journal, etcd, postgres);
        var memory = auraed is null ? 0 : Machine.Mebibytes(auraed.Id, "status", "VmHWM");
        Reads(auraed, etcd);
        if (auraed is null)
        {
            return Task.CompletedTask;
        }

        report.Table(
            "Memory after all creates and reads", "peak: the most it ever was.", ["what", "MiB"],
            [
                ["auraed RSS", Machine.Mebibytes(auraed.Id, "status", "VmRSS")], ["auraed RSS, peak while creating", memory],
                ["auraed with a journal, RSS, peak", journal is null ? null : Machine.Mebibytes(journal.Id, "status", "VmHWM")],
            ]);
        report.AtMost("memory under load, peak RSS in MiB", memory, 200);
        new DurabilityBench(options, scratch, report).Run();
        return Task.CompletedTask;
    }

    private List<Target> CreateTargets(Peer? auraed, Peer? journal, Etcd? etcd, Postgres? postgres)
    {
        List<Target> targets = auraed is null ? [] :
        [
            Create(auraed, Ordered, _daemon.Plaintext, false), Create(auraed, OrderedTls, _daemon.Tls, false),
            Create(auraed, Random, _daemon.Plaintext, true), Create(auraed, RandomTls, _daemon.Tls, true),
        ];
        if (journal is not null)
        {
            targets.AddRange([Create(journal, OrderedJournal, _journal.Plaintext, false), Create(journal, RandomJournal, _journal.Plaintext, true)]);
        }

        if (etcd is not null)
        {
            targets.Add(etcd.Put);
        }

        if (postgres is not null)
        {
            targets.AddRange([new Target(PostgresOrdered, 0, [], "ordered", ""), new Target(PostgresRandom, 0, [], "named", "")]);
        }

        return targets;
    }

    private void Creates(Peer? auraed, Peer? journal, Etcd? etcd, Postgres? postgres)
    {
        var targets = CreateTargets(auraed, journal, etcd, postgres);
        var limits = new Limits(options, scratch);
        var rows = new List<object?[]> { limits.Sync(options.Seconds) };
        foreach (var streams in options.Streams)
        {
            var rounds = Rounds.Make(options, targets, streams,
                (target, count) => target.Address.Count == 0 ? postgres!.Insert(target.Path, count, options.Seconds) : Turn(target, count));
            rows.AddRange(targets.Select(target => rounds.Row(target.Name, streams, etcd is null ? null : EtcdPut)));
            rows.Add(limits.Rows(options.Seconds, streams, false));
            rows.Add(limits.Rows(options.Seconds, streams, true));
            if (auraed is not null && etcd is not null && streams >= 64)
            {
                report.AtLeast($"creates with our ids against etcd at {streams} streams", rounds.Ratio(Ordered, EtcdPut, run => run.PerSecond), 1.4);
                report.AtLeast($"creates with random names against etcd at {streams} streams", rounds.Ratio(Random, EtcdPut, run => run.PerSecond), 0.6);
            }

            if (journal is not null && etcd is not null)
            {
                report.AtLeast($"creates with random names and a journal against etcd at {streams} streams", rounds.Ratio(RandomJournal, EtcdPut, run => run.PerSecond), 1.2);
                report.AtMost($"p99 of creates with a journal against etcd's at {streams} streams", rounds.Ratio(RandomJournal, EtcdPut, run => run.P99), 1);
                report.AtMost($"p99.9 of creates with a journal against etcd's at {streams} streams", rounds.Ratio(RandomJournal, EtcdPut, run => run.P999), 3);
            }

            if (auraed is not null && etcd is not null && streams == 64)
            {
                report.AtMost("p99 of creates against etcd's at 64 streams", rounds.Ratio(Ordered, EtcdPut, run => run.P99), 1);
            }
        }

        report.Table(
            "Store, durable creates of 256 bytes",
            "ratio: requests/s against etcd Put. A create is a typed row, its unique index and an event with its hash. Limits: streams is the group, latency a whole group's commit.",
            Rounds.Columns, rows);
    }

    private void Reads(Peer? auraed, Etcd? etcd)
    {
        var targets = new List<Target>();
        if (auraed is not null)
        {
            Fill(Create(auraed, Random, _daemon.Plaintext, true));
            var body = Messages.Get(_next[Random]);
            targets.Add(new Target(Get, auraed.Id, _daemon.Plaintext, Messages.GetPath, body));
            targets.Add(new Target(Get + ", mTLS", auraed.Id, _daemon.Tls, Messages.GetPath, body));
        }

        if (etcd is not null)
        {
            Fill(etcd.Put);
            targets.Add(etcd.Range(_next[EtcdPut]));
        }

        var rows = new List<object?[]>();
        foreach (var streams in options.Streams)
        {
            var rounds = Rounds.Make(options, targets, streams, (target, count) => LoadRun.Make(options, target, count, options.Seconds));
            rows.AddRange(targets.Select(target => rounds.Row(target.Name, streams, etcd is null ? null : EtcdRange)));
            if (auraed is not null && etcd is not null)
            {
                report.AtLeast($"point Get against etcd's serializable Range at {streams} streams", rounds.Ratio(Get, EtcdRange, run => run.PerSecond), 2);
            }
        }

        report.Table("Store, point reads by random name", "ratio: requests/s against etcd's serializable Range.", Rounds.Columns, rows);
    }

    public static Target Create(Peer auraed, string name, IReadOnlyList<string> address, bool isNamed) =>
        new(name, auraed.Id, address, Messages.CreatePath, Messages.Create(isNamed));

    /// <summary>One turn of creates. The names of both random targets of the daemon come from one row of numbers.</summary>
    private LoadRun Turn(Target target, int streams, params IEnumerable<string> more)
    {
        var counter = target.Name == RandomTls ? Random : target.Name;
        var first = _next.GetValueOrDefault(counter);
        var run = LoadRun.Make(options, target, streams, options.Seconds, [.. more, "--first", $"{first}"]);
        _next[counter] = first + run.Issued;
        return run;
    }

    /// <summary>At least so many records that reads have something to choose from.</summary>
    private void Fill(Target target)
    {
        var missing = ReadRecords - _next.GetValueOrDefault(target.Name);
        if (missing > 0)
        {
            Turn(target, 64, "--requests", $"{missing}");
        }
    }
}
