using Auraed.Bench;

if (args.Contains("--help"))
{
    Console.WriteLine(BenchOptions.Help);
    return 0;
}

var options = BenchOptions.Parse(args, out var wrong);
if (options is null)
{
    Console.Error.WriteLine($"error: {wrong}\nhint: make bench BENCH=--help");
    return 2;
}

var report = new Report(options.IsJson);
using var scratch = new Scratch();
report.Note($"Processors {Environment.ProcessorCount}, load average {Machine.LoadAverage()}, data under {scratch.Path} ({Machine.FileSystemOf(scratch.Path)}). "
    + "Servers are measured in turns, round by round; a ratio is the median of the rounds' ratios.");
(string Name, Func<Task> Run)[] parts =
[
    ("start", () => new StartBench(options, scratch, report).RunAsync()),
    ("transport", () => new TransportBench(options, scratch, report).RunAsync()),
    ("store", () => new StoreBench(options, scratch, report).RunAsync()),
    ("verify", () => new VerifyBench(options, scratch, report).RunAsync()),
    ("chunks", () => new ChunkBench(options, scratch, report).RunAsync()),
    ("events", () => new EventsBench(options, scratch, report).RunAsync()),
    ("assets", () => new AssetBench(options, scratch, report).RunAsync()),
    ("beside", () => new BesideBench(options, scratch, report).RunAsync()),
    ("collect", () => new CollectBench(options, scratch, report).RunAsync()),
    ("supervise", () => new SuperviseBench(options, scratch, report).RunAsync()),
    ("soak", () => new SoakBench(options, scratch, report).RunAsync()),
    ("growth", () => new GrowthBench(options, scratch, report).RunAsync()),
];
if (options.Only.FirstOrDefault(name => !parts.Any(part => part.Name == name)) is { } unknown)
{
    Console.Error.WriteLine($"error: no part is called '{unknown}'\nhint: the parts are {string.Join(", ", parts.Select(part => part.Name))}");
    return 2;
}

foreach (var (name, run) in parts.Where(part => options.Only.Count == 0 || options.Only.Contains(part.Name)))
{
    try
    {
        await run();
    }
    catch (Exception exception) when (exception.GetBaseException() is PeerException)
    {
        // Of one that ran beside others it comes wrapped.
        report.Failure(name, exception.GetBaseException().Message);
    }
}

report.Finish();
return report.HasFailures ? 1 : 0;
