using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Auraed.Native;
using Auraed.Store.Proof;
using Auraed.Store.Segments;
using Checkpoint = Aurae.Events.V0.Checkpoint;

namespace Auraed.Cli.Verbs;

/// <summary>Checkpoints of the event log, and segments of it that anybody with the server's certificate can check.</summary>
internal static class EventProofVerbs
{
    private static readonly Argument<string> Target = new("FILE") { Description = "The segment's file name; it must not exist." };

    private static readonly Argument<string> Segment = new("FILE") { Description = "A segment that `auraed events export` or the daemon's archive wrote." };

    private static readonly Option<long?> From = new("--from") { Description = "The first event. [default: the oldest that is kept]", HelpName = "SEQUENCE", CustomParser = ParseSequence };

    private static readonly Option<long?> To = new("--to") { Description = "The last event. [default: the newest]", HelpName = "SEQUENCE", CustomParser = ParseSequence };

    private static readonly Option<string?> Certificate = new("--server-crt") { Description = "The certificate of the daemon that signed (PEM). [default: the host's server_crt]", HelpName = "PATH" };

    private static readonly Option<bool> Fresh = new("--fresh") { Description = "Sign the log as it is now." };

    private static readonly Option<bool> All = new("--all") { Description = "List all that are kept, newest first." };

    public static Command[] Build(CliEnvironment environment) =>
    [
        new Verb("checkpoint", "Print the newest signed checkpoint of the log. Kept elsewhere, it proves what the log was then.",
            "auraed events checkpoint", "auraed events checkpoint --fresh > host7.checkpoint", "auraed events checkpoint --all")
            .With(Fresh, All).Calls(environment, CheckpointAsync),
        new Verb("export", "Write a part of the log to a file that `auraed events verify` checks without the database.",
            "auraed events export host7.auraeseg", "auraed events export --from 1000 --to 2000 part.auraeseg")
            .With(Target, From, To).Calls(environment, ExportAsync),
        new Verb("verify", "Check a segment with the server's certificate alone, on any machine: each event, their order, that none is missing, and the signature. Fails when it is not sound.",
            "auraed events verify host7.auraeseg --server-crt host7.crt")
            .With(Segment, Certificate).Does(environment, Verify),
    ];

    private static async Task CheckpointAsync(Invocation invocation, CancellationToken cancel)
    {
        if (!invocation.Value(All))
        {
            Checkpoint newest = await invocation.Daemon.CallAsync(
                "get the checkpoint", options => Client(invocation).GetCheckpointAsync(new GetCheckpointRequest { Fresh = invocation.Value(Fresh) }, options), cancel);
            if (invocation.Printer.IsJson)
            {
                invocation.Printer.Fields(("origin", newest.Origin), ("size", newest.Size), ("root", Hex(newest.Root)), ("time", Cell.Time(newest.Time.ToDateTimeOffset())), ("note", newest.Note.ToStringUtf8()));
            }
            else
            {
                invocation.Terminal.Out.Write(newest.Note.ToStringUtf8());
            }

            return;
        }

        var found = new List<Checkpoint>();
        while (true)
        {
            var request = new ListCheckpointsRequest { BelowSize = found.Count == 0 ? 0 : found[^1].Size, Limit = Limits.CheckpointsListedCountMax };
            ListCheckpointsResponse page = await invocation.Daemon.CallAsync("list the checkpoints", options => Client(invocation).ListCheckpointsAsync(request, options), cancel);
            found.AddRange(page.Checkpoints);
            if (page.Checkpoints.Count < Limits.CheckpointsListedCountMax)
            {
                break;
            }
        }

        invocation.Printer.Rows(
            found,
            new Column<Checkpoint>("size", checkpoint => checkpoint.Size),
            new Column<Checkpoint>("time", checkpoint => Cell.Time(checkpoint.Time.ToDateTimeOffset())),
            new Column<Checkpoint>("root", checkpoint => Hex(checkpoint.Root)));
    }

    private static async Task ExportAsync(Invocation invocation, CancellationToken cancel)
    {
        string path = Path.GetFullPath(invocation.Value(Target)!);
        if (Path.Exists(path))
        {
            throw new Fault(FaultKind.AlreadyExists, $"{path} is there already and is not overwritten", "file", "name a file that does not exist, or remove it first");
        }

        string partial = path + ".partial";
        SegmentReport report;
        using (var steps = new StepProgress(invocation))
        {
            try
            {
                await using (var file = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
                {
                    var request = new ExportEventsRequest { FromSequence = invocation.Value(From) ?? 0, ToSequence = invocation.Value(To) ?? 0 };
                    await invocation.Daemon.StreamAsync("export the events", options => Client(invocation).Export(request, options), Take, cancel);

                    void Take(ExportEventsResponse part)
                    {
                        file.Write(part.Data.Span);
                        steps.Tell(new Store.StoreProgress("exporting", part.Done, part.Total));
                    }
                }

                report = SegmentCheck.OfFile(partial, null, steps.Tell, cancel);
                if (!report.IsSound)
                {
                    throw new Fault(FaultKind.Corrupt, $"what the daemon sent is not sound: {report.Findings[0]}", hint: "auraed verify") { Reason = "SEGMENT_DAMAGED" };
                }

                DurableFiles.Publish(partial, path);
            }
            catch
            {
                File.Delete(partial);
                throw;
            }
        }

        Print(invocation, path, report, isChecked: false);
    }

    private static Task Verify(Invocation invocation, CancellationToken cancel)
    {
        string path = invocation.Value(Segment)!;
        SegmentReport report;
        using (var steps = new StepProgress(invocation))
        using (CheckpointKey key = CheckpointKey.FromCertificate(invocation.Value(Certificate) ?? invocation.Settings.ServerCertificatePath))
        {
            report = SegmentCheck.OfFile(path, key, steps.Tell, cancel);
        }

        Print(invocation, path, report, isChecked: true);
        if (!report.IsSound)
        {
            invocation.Printer.Rows(report.Findings, new Column<string>("finding", finding => finding));
            invocation.ExitCode = ExitCode.Found;
        }

        return Task.CompletedTask;
    }

    private static void Print(Invocation invocation, string path, SegmentReport report, bool isChecked)
    {
        var fields = new List<(string, Cell)> { ("path", path) };
        if (isChecked)
        {
            fields.Add(("sound", report.IsSound));
        }

        fields.Add(("events", report.Events));
        if (report.Header is { } header)
        {
            fields.AddRange([("first", header.First), ("last", header.Last), ("origin", header.Checkpoint.Origin), ("signed_size", header.Checkpoint.Size), ("signed_time", Cell.Time(Time(header.Checkpoint.Time)))]);
        }

        invocation.Printer.Fields([.. fields]);
    }

    private static DateTimeOffset Time(long nanoseconds) => DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / TimeSpan.NanosecondsPerTick);

    private static string Hex(Google.Protobuf.ByteString bytes) => Convert.ToHexStringLower(bytes.Span);

    private static ProofService.ProofServiceClient Client(Invocation invocation) => new(invocation.Daemon.Invoker);

    private static long? ParseSequence(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= 1)
        {
            return number;
        }

        result.AddError($"'{text}' is not a number from 1 up");
        return null;
    }
}
