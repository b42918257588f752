using System.CommandLine;
using Aurae.Admin.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Auraed.Store;

namespace Auraed.Cli.Verbs;

/// <summary>The care of the one file: copies and checks through the running daemon; restore, rekey and migrate while it is stopped.</summary>
internal static class BackupVerbs
{
    private static readonly Argument<string?> Destination = new("DEST")
    {
        Description = "The copy's file name; it must not exist. Without one, a snapshot under the library directory.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string?> Copy = new("FILE")
    {
        Description = "A copy of a database, checked here with the host's key. Without one, the running daemon checks its own file.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string> Source = new("FILE") { Description = "The copy to put in place. It is checked first, and it stays where it is." };

    private static readonly Option<string?> Key = new("--key") { Description = "The server.key that opens the file. [default: the daemon's server_key]", HelpName = "PATH" };

    private static readonly Option<string?> Library = new("--library-dir", "-l")
    {
        Description = "Check the database of this directory with the log and the journal beside it, as a start would find them. Its daemon must be stopped, or killed; nothing is changed.",
        HelpName = "PATH",
    };

    private static readonly Option<string?> Place = new("--library-dir", "-l") { Description = "The library directory of the stopped daemon. [default: the daemon's library_dir]", HelpName = "PATH" };

    private static readonly Option<string> NewKey = new("--new-key") { Description = "The key (PEM) that opens the file from then on.", HelpName = "PATH", Required = true };

    private static readonly Option<bool> Plan = new("--plan") { Description = "Print what would be done, and change nothing." };

    private static readonly Option<int?> To = new("--to") { Description = "The number of the migration to go to, up or down. [default: the newest]", HelpName = "NUMBER" };

    public static IEnumerable<Command> Build(CliEnvironment environment) =>
    [
        new Verb("backup", "Copy the database into one encrypted file while the daemon runs. It opens with the same server.key.",
            "auraed backup /mnt/backup/host7.db", "auraed backup  # a snapshot beside the database").With(Destination).Calls(environment, BackupAsync),
        new Verb("snapshot", "Copy the database to a file of its own under the library directory's snapshots/; the same as backup without DEST.",
            "auraed snapshot").Calls(environment, SnapshotAsync),
        new Verb("publish", "Replace the copy that a plain `cp` may take at any moment (backup/aurae.db in the library directory), now.",
            "auraed publish && cp /var/lib/aurae/backup/aurae.db /mnt/backup/").Calls(environment, PublishAsync),
        new Verb("verify", "Check a database: the seal of every page, structure, references, the chain of events. Fails when it is not sound.",
            "auraed verify  # the running daemon's", "auraed verify /mnt/backup/host7.db", "auraed verify copy.db --key ./pki/server.key",
            "auraed verify --library-dir /var/lib/aurae  # a stopped or killed daemon's")
            .With(Copy, Key, Library).Calls(environment, VerifyAsync),
        new Verb("restore", "Put a copy in place of the database. The daemon must be stopped; the copy is checked first, and the database before it is kept aside.",
            "auraed restore /mnt/backup/host7.db", "auraed restore --root ./.local copy.db").With(Source, Place).Does(environment, RestoreAsync),
        new Verb("rekey", "Encrypt the database for another server.key. The daemon must be stopped; killed at any moment, one of the two keys opens the file.",
            "auraed rekey --new-key /etc/aurae/pki/next.key").With(NewKey, Place).Does(environment, RekeyAsync),
        new Verb("migrate", "Take the database's layout to another version. The daemon does this by itself at its start; a snapshot is made first.",
            "auraed migrate --plan", "auraed migrate --to 2  # back, before an older release is installed").With(Plan, To, Place).Does(environment, MigrateAsync),
    ];

    private static Task BackupAsync(Invocation invocation, CancellationToken cancel)
    {
        // The daemon's working directory is not the caller's.
        var path = invocation.Value(Destination) is { } given ? Path.GetFullPath(given) : string.Empty;
        return CopyAsync(invocation, "copy the database", (client, options) => client.Backup(new BackupRequest { Path = path }, options), cancel);
    }

    private static Task SnapshotAsync(Invocation invocation, CancellationToken cancel) =>
        CopyAsync(invocation, "take a snapshot", (client, options) => client.Backup(new BackupRequest(), options), cancel);

    private static Task PublishAsync(Invocation invocation, CancellationToken cancel) =>
        CopyAsync(invocation, "publish a copy", (client, options) => client.Publish(new PublishRequest(), options), cancel);

    private static async Task CopyAsync(
        Invocation invocation,
        string what,
        Func<AdminService.AdminServiceClient, Grpc.Core.CallOptions, Grpc.Core.AsyncServerStreamingCall<BackupResponse>> call,
        CancellationToken cancel)
    {
        var daemon = invocation.Daemon;
        using var steps = new StepProgress(invocation);
        BackupResult? result = null;
        await daemon.StreamAsync(what, options => call(new AdminService.AdminServiceClient(daemon.Invoker), options), Take, cancel);
        steps.End();
        if (result is not { } copy)
        {
            throw new Fault(FaultKind.Unavailable, $"cannot {what}: the daemon's answer broke off");
        }

        invocation.Printer.Fields(("path", copy.Path), ("size", Cell.Bytes(copy.Bytes)), ("last_sequence", copy.LastSequence));

        void Take(BackupResponse response)
        {
            result = response.Result ?? result;
            steps.Tell(response.Progress);
        }
    }

    private static async Task VerifyAsync(Invocation invocation, CancellationToken cancel)
    {
        using var steps = new StepProgress(invocation);
        VerifyResult? result = null;
        RecoveryReport? recovery = null;
        var (file, library) = (invocation.Value(Copy), invocation.Value(Library));
        if (file is not null || library is not null)
        {
            if (file is not null && library is not null)
            {
                throw Fault.Invalid("library-dir", "--library-dir and FILE are two things to check", "name one of them");
            }

            var key = invocation.Value(Key) ?? invocation.Settings.ServerKeyPath;
            var report = file is not null
                ? Maintenance.Verify(file, key, steps.Tell, cancel)
                : Maintenance.VerifyLibrary(new DatabaseOptions { Directory = Path.GetFullPath(library!), KeyPath = key, CreateIfMissing = false }, steps.Tell, cancel);
            recovery = report.Recovery;
            result = new VerifyResult
            {
                Path = report.Path,
                Sound = report.IsSound,
                Pages = report.Pages,
                Events = report.Events,
                SchemaVersion = report.Version,
                Findings = { report.Findings },
            };
        }
        else
        {
            var daemon = invocation.Daemon;
            await daemon.StreamAsync("verify the database", options => new AdminService.AdminServiceClient(daemon.Invoker).Verify(new VerifyRequest(), options), Take, cancel);
        }

        steps.End();
        Print(invocation, result ?? throw new Fault(FaultKind.Unavailable, "cannot verify the database: the daemon's answer broke off"), recovery);

        void Take(VerifyResponse response)
        {
            result = response.Result ?? result;
            steps.Tell(response.Progress);
        }
    }

    private static void Print(Invocation invocation, VerifyResult result, RecoveryReport? recovery)
    {
        (string, Cell)[] fields =
            [("path", result.Path), ("sound", result.Sound), ("pages", result.Pages), ("events", result.Events), ("schema_version", result.SchemaVersion)];
        invocation.Printer.Fields(recovery is { } found ? [.. fields, ("journal_groups", found.Groups), ("journal_tail_cut", Cell.Bytes(found.TailBytes))] : fields);
        if (!result.Sound)
        {
            invocation.Printer.Rows(result.Findings, new Column<string>("finding", finding => finding));
            invocation.ExitCode = ExitCode.Found;
        }
    }

    private static Task RestoreAsync(Invocation invocation, CancellationToken cancel)
    {
        using var steps = new StepProgress(invocation);
        var report = Maintenance.Restore(OptionsOf(invocation), Path.GetFullPath(invocation.Value(Source)!), steps.Tell, cancel);
        steps.End();
        invocation.Printer.Fields(("path", report.Path), ("events", report.Events), ("kept_aside", report.KeptAside));
        invocation.Printer.Say($"next: {invocation.StartCommand}");
        return Task.CompletedTask;
    }

    private static Task RekeyAsync(Invocation invocation, CancellationToken cancel)
    {
        using var steps = new StepProgress(invocation);
        var (options, newKey) = (OptionsOf(invocation), Path.GetFullPath(invocation.Value(NewKey)!));
        var report = Maintenance.Rekey(options, newKey, steps.Tell, cancel);
        steps.End();
        invocation.Printer.Fields(("path", report.Path), ("key", newKey), ("kept_aside", report.KeptAside));
        var certificate = invocation.Settings.ServerCertificatePath;
        invocation.Printer.Say($"next: mv {newKey} {options.KeyPath} && mv {certificate} {certificate}.old && auraed pki init --dir {Path.GetDirectoryName(certificate)}  # signs a certificate of the new key");
        invocation.Printer.Say($"then: {invocation.StartCommand}");
        invocation.Printer.Say($"the file kept aside still opens with the old key; remove it, and copies made before, when the old key is to open nothing");
        return Task.CompletedTask;
    }

    private static Task MigrateAsync(Invocation invocation, CancellationToken cancel)
    {
        var options = OptionsOf(invocation) with { CreateIfMissing = false };
        var isPlan = invocation.Value(Plan);
        var plan = isPlan ? Maintenance.PlanMigration(options, invocation.Value(To)) : Maintenance.Migrate(options, invocation.Value(To));
        invocation.Printer.Fields(("from", plan.From.ToString()), ("to", plan.To.ToString()), ("steps", plan.Steps.Count), (isPlan ? "planned" : "applied", true));
        if (plan.Steps.Count > 0)
        {
            invocation.Printer.Rows(
                plan.Steps,
                new Column<Store.Migration>("number", step => step.Number),
                new Column<Store.Migration>("name", step => step.Name),
                new Column<Store.Migration>("direction", _ => plan.IsDown ? "down" : "up"),
                new Column<Store.Migration>("version", step => step.Version.ToString()));
        }

        return Task.CompletedTask;
    }

    private static DatabaseOptions OptionsOf(Invocation invocation) => new()
    {
        Directory = invocation.Value(Place) is { } given ? Path.GetFullPath(given) : invocation.Settings.LibraryDirectory,
        KeyPath = invocation.Settings.ServerKeyPath,
        Time = invocation.Environment.Time,
    };
}
