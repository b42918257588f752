using System.Globalization;

namespace Auraed.Bench;

/// <summary>The event log beside etcd's watch: how soon a put is told, how many events watchers get under full load, and what appending alone does.</summary>
internal sealed class EventsBench(BenchOptions options, Scratch scratch, Report report)
{
    private const string Create = "auraed Create";
    private const string Append = "auraed Append";
    private const string CreateJournal = Create + ", journal";
    private const string AppendJournal = Append + ", journal";
    private const string EtcdPut = "etcd Put";
    private const int PutsPerSecond = 1000;
    private const int Streams = 64;
    private const int BatchEvents = 16;
    private static readonly string[] Columns =
        ["server", "watchers", "puts/s", "put p50 us", "put p99 us", "events/s", "event p50 us", "event p99 us", "server cpu us/event", "load cpu s", "ratio"];

    private readonly Daemon _daemon = new(options, scratch, "events", "wal");
    private readonly Daemon _journal = new(options, scratch, "events-journal", "journal");

    /// <summary>How many names each server has been given, so that no turn repeats one of another.</summary>
    private readonly Dictionary<string, long> _next = [];

    public Task RunAsync()
    {
        using var auraed = _daemon.StartOrReport(report, "events");
        using var journal = _journal.StartOrReport(report, "events");
        using var etcd = Etcd.IsInstalled ? new Etcd(scratch) : null;
        if (etcd is null)
        {
            report.Note("etcd is not installed and is left out: packaging/dependencies bench");
        }

        var targets = new List<Target>();
        if (auraed is not null)
        {
            targets.Add(new Target(Create, auraed.Id, _daemon.Plaintext, Messages.CreatePath, Messages.CreateMarked()));
            targets.Add(new Target(Append, auraed.Id, _daemon.Plaintext, Messages.AppendPath, Messages.AppendMarked()));
        }

        if (journal is not null)
        {
            targets.Add(new Target(CreateJournal, journal.Id, _journal.Plaintext, Messages.CreatePath, Messages.CreateMarked()));
            targets.Add(new Target(AppendJournal, journal.Id, _journal.Plaintext, Messages.AppendPath, Messages.AppendMarked()));
        }

        if (etcd is not null)
        {
            targets.Add(etcd.Put with { Body = Messages.PutMarked() });
        }

        Latency(targets);
        Throughput(targets);
        if (auraed is not null)
        {
            Appends(auraed, journal);
        }

        return Task.CompletedTask;
    }

    private void Latency(List<Target> targets)
    {
        var rounds = Rounds.Make(options, targets, Streams, (target, streams) => Turn(target, streams, 1, "--rate", Text(PutsPerSecond)));
        report.Table(
            $"Events, from a put's sending to its event's arrival at one watcher, {PutsPerSecond} puts/s", "ratio: event p50 against etcd's.", Columns,
            [.. targets.Select(target => Row(rounds, target, 1, run => run.EventP50))]);
        foreach (var name in (string[])[Create, Append, CreateJournal, AppendJournal])
        {
            Judge(targets, name, () => report.AtMost($"put-to-event p50 of {name} against etcd's at 1,000 puts/s", rounds.Ratio(name, EtcdPut, run => run.EventP50), 1));
        }
    }

    private void Throughput(List<Target> targets)
    {
        var rows = new List<object?[]>();
        foreach (var watchers in (int[])[1, 8])
        {
            var rounds = Rounds.Make(options, targets, Streams, (target, streams) => Turn(target, streams, watchers));
            rows.AddRange(targets.Select(target => Row(rounds, target, watchers, run => run.EventsPerSecond)));
            foreach (var name in (string[])[Create, CreateJournal])
            {
                Judge(targets, name, () => report.AtLeast(
                    string.Create(CultureInfo.InvariantCulture, $"events/s of {name} delivered to {watchers} watchers under full load against etcd"), rounds.Ratio(name, EtcdPut, run => run.EventsPerSecond), 1));
            }
        }

        report.Table($"Events, delivered while {Streams} streams put as fast as they are answered", "events/s: to all watchers together. ratio: of those against etcd.", Columns, rows);
    }

    private void Appends(Peer auraed, Peer? journal)
    {
        var random = new Target(Append + ", random subjects", auraed.Id, _daemon.Plaintext, Messages.AppendPath, Messages.AppendMarked());
        var one = random with { Name = Append + ", one subject", Body = Messages.AppendMarked(subject: Messages.OneName) };
        var many = random with { Name = $"{Append}, {BatchEvents} events a call", Body = Messages.AppendMarked(BatchEvents) };
        List<(Target Target, int Events)> targets = [(random, 1), (one, 1), (many, BatchEvents)];
        if (journal is not null)
        {
            targets.AddRange(targets.ConvertAll(pair =>
                (pair.Target with { Name = pair.Target.Name + ", journal", ServerId = journal.Id, Address = _journal.Plaintext }, pair.Events)));
        }

        var rounds = Rounds.Make(options, [.. targets.Select(pair => pair.Target)], Streams, (target, streams) => Turn(target, streams, 0));
        report.Table(
            "Events, appends of the log alone", $"256 bytes each, {Streams} streams, nobody watches. A random subject is a new stream, whose head goes to a random page.",
            ["server", "calls/s", "events/s", "p50 us", "p99 us"],
            [.. targets.Select(pair => new object?[]
            {
                pair.Target.Name, rounds.Median(pair.Target.Name, run => run.PerSecond), rounds.Median(pair.Target.Name, run => run.PerSecond * pair.Events),
                rounds.Median(pair.Target.Name, run => run.P50), rounds.Median(pair.Target.Name, run => run.P99),
            })]);
    }

    private static void Judge(List<Target> targets, string name, Action judge)
    {
        if (targets.Any(target => target.Name == name) && targets.Any(target => target.Name == EtcdPut))
        {
            judge();
        }
    }

    private static object?[] Row(Rounds rounds, Target target, int watchers, Func<LoadRun, double> compared) =>
    [
        target.Name, watchers, rounds.Median(target.Name, run => run.PerSecond), rounds.Median(target.Name, run => run.P50), rounds.Median(target.Name, run => run.P99),
        rounds.Median(target.Name, run => run.EventsPerSecond), rounds.Median(target.Name, run => run.EventP50), rounds.Median(target.Name, run => run.EventP99),
        rounds.Median(target.Name, run => run.Events == 0 ? 0 : run.ServerCpu * 1e6 / run.Events), rounds.Median(target.Name, run => run.LoadCpu),
        target.Name == EtcdPut ? null : rounds.Ratio(target.Name, EtcdPut, compared),
    ];

    private LoadRun Turn(Target target, int streams, int watchers, params IEnumerable<string> more)
    {
        var first = _next.GetValueOrDefault(target.Name);
        string[] watch = target.Name == EtcdPut
            ? ["--watch-path", Messages.EtcdWatchPath, "--watch-body", Messages.EtcdWatch(), "--watch-open"]
            : ["--watch-path", Messages.WatchPath];
        var run = LoadRun.Make(options, target, streams, options.Seconds, [.. more, "--first", $"{first}", "--watchers", Text(watchers), .. watchers > 0 ? watch : []]);
        _next[target.Name] = first + run.Issued;
        return run;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
