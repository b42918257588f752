using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Aurae.Admin.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Auraed.Store;
using Auraed.Store.Replay;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Cli.Verbs;

/// <summary>The state out of the event log alone: compared with the tables, or written as it was.</summary>
internal static class ReplayVerbs
{
    private static readonly Argument<string?> File = new("FILE")
    {
        Description = "A database file that nobody has open: a copy, or a stopped daemon's. Without one, the running daemon does it with its own.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> Check = new("--check") { Description = "Compare with the tables, and name each difference by type, name and field." };

    private static readonly Option<ReplayMoment?> At = new("--at")
    {
        Description = "The moment of the state to write: after event SEQUENCE, or at TIME (2026-01-31T08:00:00Z). [default: the newest event]",
        HelpName = "SEQUENCE|TIME",
        CustomParser = ParseMoment,
    };

    private static readonly Option<string?> Target = new("--output-database") { Description = "The database file to write; it must not exist, and opens with the same server.key.", HelpName = "FILE" };

    private static readonly Option<string?> Archive = new("--archive") { Description = "The directory of the archived segments, for a log whose beginning was pruned.", HelpName = "DIR" };

    private static readonly Option<string?> Key = new("--key") { Description = "The server.key that opens FILE. [default: the daemon's server_key]", HelpName = "PATH" };

    public static Command Build(CliEnvironment environment) => new Verb(
        "replay",
        "Make the state out of the event log alone: compare it with the tables, or write it as it was to a database of its own. Fails when there is a difference.",
        "auraed replay --check",
        "auraed replay --check /mnt/backup/host7.db",
        "auraed replay --at 2026-01-31T08:00:00Z --output-database yesterday.db  # then: auraed restore yesterday.db",
        "auraed replay --at 4711 --output-database then.db /mnt/backup/host7.db --archive /mnt/archive")
        .With(File, Check, At, Target, Archive, Key).Calls(environment, ReplayAsync);

    private static async Task ReplayAsync(Invocation invocation, CancellationToken cancel)
    {
        string? output = invocation.Value(Target) is { } given ? Path.GetFullPath(given) : null;
        ReplayMoment moment = invocation.Value(At) ?? default;
        if (invocation.Value(Check) == output is not null || (invocation.Value(Check) && moment != default))
        {
            throw Fault.Invalid("check", "either --check, or --output-database with or without --at", "auraed replay --help");
        }

        using var steps = new StepProgress(invocation);
        ReplayResult result = invocation.Value(File) is { } path
            ? Offline(invocation, path, moment, output, steps, cancel)
            : await OnlineAsync(invocation, moment, output, steps, cancel);
        steps.End();
        Print(invocation, result);
    }

    private static ReplayResult Offline(Invocation invocation, string path, ReplayMoment moment, string? output, StepProgress steps, CancellationToken cancel)
    {
        string key = invocation.Value(Key) ?? invocation.Settings.ServerKeyPath;
        ReplayReport report = output is null
            ? Maintenance.ReplayCheck(path, key, invocation.Value(Archive), steps.Tell, cancel)
            : Maintenance.Replay(path, key, moment, output, invocation.Value(Archive), invocation.Environment.Time, steps.Tell, cancel);
        return new ReplayResult
        {
            Sequence = report.Sequence,
            Applied = report.Applied,
            Differences = { report.Differences },
            DifferenceCount = report.DifferenceCount,
            Output = report.Output ?? string.Empty,
        };
    }

    private static async Task<ReplayResult> OnlineAsync(Invocation invocation, ReplayMoment moment, string? output, StepProgress steps, CancellationToken cancel)
    {
        var request = new ReplayRequest { Output = output ?? string.Empty, Archive = invocation.Value(Archive) is { } archive ? Path.GetFullPath(archive) : string.Empty };
        if (moment.Sequence is { } sequence)
        {
            request.AtSequence = sequence;
        }
        else if (moment.Time is { } time)
        {
            request.AtTime = new Timestamp { Seconds = time / 1_000_000_000, Nanos = (int)(time % 1_000_000_000) };
        }

        ReplayResult? result = null;
        var daemon = invocation.Daemon;
        await daemon.StreamAsync("replay the log", options => new AdminService.AdminServiceClient(daemon.Invoker).Replay(request, options), Take, cancel);
        return result ?? throw new Fault(FaultKind.Unavailable, "cannot replay the log: the daemon's answer broke off");

        void Take(ReplayResponse response)
        {
            result = response.Result ?? result;
            steps.Tell(response.Progress);
        }
    }

    private static void Print(Invocation invocation, ReplayResult result)
    {
        if (result.Output.Length > 0)
        {
            invocation.Printer.Fields(("path", result.Output), ("sequence", result.Sequence), ("applied", result.Applied));
            invocation.Printer.Say("next: auraed restore of it puts it in the place of the database");
            return;
        }

        invocation.Printer.Fields(("same", result.DifferenceCount == 0), ("sequence", result.Sequence), ("applied", result.Applied), ("differences", result.DifferenceCount));
        if (result.DifferenceCount > 0)
        {
            invocation.Printer.Rows(result.Differences, new Column<string>("difference", difference => difference));
            invocation.ExitCode = ExitCode.Found;
        }
    }

    private static ReplayMoment? ParseMoment(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long sequence) && sequence >= 1)
        {
            return new ReplayMoment(sequence, null);
        }

        bool isTime = DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time);
        if (isTime && time >= DateTimeOffset.UnixEpoch && time.Year < 2262)
        {
            return new ReplayMoment(null, (time.UtcTicks - DateTime.UnixEpoch.Ticks) * TimeSpan.NanosecondsPerTick);
        }

        bool isNumber = text.Length > 0 && text.AsSpan(text[0] == '-' ? 1 : 0) is { Length: > 0 } digits && !digits.ContainsAnyExceptInRange('0', '9');
        result.AddError(isNumber ? $"'{text}' is no number of an event: they are 1 to {long.MaxValue}"
            : !isTime ? $"'{text}' is neither the number of an event nor a time as 2026-01-31T08:00:00Z"
            : time < DateTimeOffset.UnixEpoch ? $"'{text}' lies before 1970, and before every log"
            : $"'{text}' lies in the future; without --at it is the newest event");
        return null;
    }
}
