using System.Globalization;
using Auraed.Base;
using Auraed.Store.Journal;
using Auraed.Store.Proof;

namespace Auraed.Store;

/// <summary>What a check of a database found. No findings: every page, row, reference and event is what was written.</summary>
/// <param name="Path">What was checked.</param>
/// <param name="Findings">One sentence each, the first few of every kind.</param>
/// <param name="Pages">Pages of the file.</param>
/// <param name="Events">Events in the chain.</param>
/// <param name="Version">The data version.</param>
/// <param name="IsTest">Marked as a TEST database.</param>
public sealed record VerifyReport(string Path, IReadOnlyList<string> Findings, long Pages, long Events, string Version, bool IsTest)
{
    /// <summary>What a start would make of the journal beside the file; null when there is none.</summary>
    public RecoveryReport? Recovery { get; init; }

    public bool IsSound => Findings.Count == 0;
}

/// <summary>
/// Checks a file in the order in which damage is told best: seals of pages, the engine's structures, references, chunks, the event log with its signed
/// checkpoints. Reads only.
/// </summary>
internal static class Verification
{
    private const int FindingsPerKindMax = 10;
    private const long PagesPerProgress = 4096;
    private const string Journal = "journal";
    private const string Log = "log";

    /// <summary>How integrity_check ends its lines on pages from the first one on whose seal does not hold: the connection reads none after it.</summary>
    private const string SealRefused = "unable to get the page. error code=1";

    /// <summary>The statements of a check are sound: that the engine refuses one can only come of what it read.</summary>
    private const string Unread = "a page cannot be read: its seal does not hold, and what lies behind it was not checked";

    /// <summary>Checks a file that nobody has open. Throws only when it cannot be looked at at all: a wrong key, a foreign file. What is damaged beyond opening is a finding.</summary>
    public static VerifyReport OfFile(string path, StoreKey key, string keyPath, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        path = Path.GetFullPath(path);
        var findings = new List<string>();
        try
        {
            RequireStill(path, key, keyPath);
            Seals(path, key, findings, progress, cancel);
            if (PageSeal.PageCount(path, key) is { } count && count > PagesOf(path))
            {
                findings.Add($"the file is cut short: {PagesOf(path)} of {count} pages are there");
                return Unopened(path, findings);
            }

            using var connection = Connection.Open(path, ConnectionMode.Still, key, new TableVersions(), null);
            StandsAlone(connection, findings);
            return OfConnection(path, connection, key.Signer, findings, progress, cancel);
        }
        catch (Fault fault) when (fault.Kind == FaultKind.Corrupt)
        {
            findings.Add(fault.Message);
            return Unopened(path, findings);
        }
    }

    /// <summary>
    /// Checks what a start would make of the file, the log and the journal in a directory that the caller has locked; nothing of it is kept. Damage in the journal is a finding, and then
    /// the state without it is checked, too.
    /// </summary>
    public static VerifyReport OfDirectory(DatabaseOptions options, StoreKey key, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        var path = DatabaseFile.PathIn(options.Directory);
        if (!File.Exists(path) || Beside(path) is not { } beside)
        {
            return OfFile(path, key, options.KeyPath, progress, cancel);
        }

        var findings = new List<string>();
        VerifyReport? report = null;
        try
        {
            FileProbe.Check(path, key, options.KeyPath);
            if (beside != Journal)
            {
                LogProbe.Check(path + "-wal");
            }

            using var connection = Connection.Open(path, ConnectionMode.Write, key, new TableVersions(), options.FileLayer);
            try
            {
                JournalRecovery.Rehearse(connection, options, key, found =>
                    report = OfConnection(path, connection, key.Signer, findings, progress, cancel) with { Recovery = beside == Journal ? found : null });
            }
            catch (Fault fault) when (fault.Kind == FaultKind.Corrupt)
            {
                findings.Add($"{Journal}: {fault.Message}");
            }

            return report ?? OfConnection(path, connection, key.Signer, findings, progress, cancel);
        }
        catch (Fault fault) when (fault.Kind == FaultKind.Corrupt)
        {
            findings.Add(fault.Message);
            return report ?? Unopened(path, findings);
        }
    }

    private static long PagesOf(string path) => new FileInfo(path).Length / DatabaseFile.PageBytes;

    /// <summary>Of a file that the engine need not be asked about.</summary>
    private static VerifyReport Unopened(string path, List<string> findings) => new(path, findings, PagesOf(path), 0, string.Empty, IsTest: false);

    /// <summary>Faults unless it is a file of this key that nobody has open.</summary>
    public static void RequireStill(string path, StoreKey key, string keyPath)
    {
        if (!File.Exists(path))
        {
            throw Directory.Exists(path)
                ? Fault.Invalid("path", $"{path} is a directory", $"name the file in it; auraed verify --library-dir {path} checks a library directory")
                : Fault.NotFound($"{path} does not exist");
        }

        if (Beside(path) is { } beside)
        {
            throw new Fault(
                FaultKind.Precondition, $"{path} has a {beside} beside it, so it is in use or its daemon was killed",
                hint: $"auraed verify --library-dir {Path.GetDirectoryName(path)} checks them as one; to have one file, start the daemon on that directory and stop it")
            { Reason = "LOG_BESIDE" };
        }

        FileProbe.Check(path, key, keyPath);
    }

    /// <summary>What the file is not whole without; null when it stands alone.</summary>
    private static string? Beside(string path)
    {
        if (Path.GetFileName(path) == DatabaseFile.Name && JournalFiles.List(Path.GetDirectoryName(path)!).Count > 0)
        {
            return Journal;
        }

        return new FileInfo(path + "-wal") is { Exists: true, Length: > 0 } ? Log : null;
    }

    private static void StandsAlone(Connection connection, List<string> findings)
    {
        try
        {
            if (JournalPosition.Read(connection) is { IsOpen: true } position)
            {
                findings.Add($"{Journal}: {JournalRecovery.Missing(position)}");
            }
        }
        catch (Fault fault) when (fault.Kind is FaultKind.Corrupt or FaultKind.Internal)
        {
            // The check of the whole tells what is damaged.
        }
    }

    /// <summary>Checks one snapshot of an open database, or the state of its open transaction; pages still in the log are checked as they are read.</summary>
    public static VerifyReport OfConnection(string path, Connection connection, CheckpointKey? signer, List<string> findings, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        using var registration = cancel.UnsafeRegister(static state => ((Connection)state!).Interrupt(), connection);
        long events = 0;
        long pages = 0;
        var version = "";
        var application = 0L;
        var isOwn = connection.IsIdle;
        if (isOwn)
        {
            connection.Execute("BEGIN");
        }

        try
        {
            application = connection.QueryInteger("PRAGMA application_id");
            if (!DatabaseFile.IsOurs(application))
            {
                findings.Add($"the file is a database of another program (application id {application})");
            }

            pages = connection.QueryInteger("PRAGMA page_count");
            progress?.Invoke(new StoreProgress("structure", 0, pages));
            findings.AddRange(connection.QueryTexts(string.Create(CultureInfo.InvariantCulture, $"PRAGMA integrity_check({FindingsPerKindMax})"))
                .SelectMany(text => text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                .Where(line => line != "ok" && !line.StartsWith("***", StringComparison.Ordinal))
                .Select(line => line.EndsWith(SealRefused, StringComparison.Ordinal) ? Unread : "structure: " + line).Distinct());
            progress?.Invoke(new StoreProgress("structure", pages, pages));
            findings.AddRange(connection.QueryTexts("PRAGMA foreign_key_check").Take(FindingsPerKindMax).Select(table => $"reference: a row of {table} points at nothing"));
            version = string.Join(' ', connection.QueryTexts("SELECT version FROM schema_version ORDER BY number DESC LIMIT 1"));
            _ = Assets.AssetVerification.Check(connection, findings, FindingsPerKindMax, (done, total) => progress?.Invoke(new StoreProgress("chunks", done, total)), cancel);
            events = new LogCheck(connection, signer, findings).Run((done, total) => progress?.Invoke(new StoreProgress("events", done, total)), cancel);
        }
        catch (Fault fault) when (fault.Kind is FaultKind.Corrupt or FaultKind.Internal && !cancel.IsCancellationRequested)
        {
            var words = fault.Reason == "STATEMENT_FAILED" ? Unread : fault.Message;
            if (!findings.Contains(words))
            {
                findings.Add(words);
            }
        }
        catch (Fault) when (cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancel);
        }
        finally
        {
            connection.EndUnit();
            if (isOwn && !connection.IsIdle)
            {
                connection.Execute("ROLLBACK");
            }
        }

        return new VerifyReport(path, findings, pages, events, version, DatabaseFile.IsTest(application));
    }

    private static void Seals(string path, StoreKey key, List<string> findings, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        var damaged = PageSeal.Damaged(path, key, FindingsPerKindMax, (done, total) =>
        {
            if (done % PagesPerProgress == 0 || done == total)
            {
                cancel.ThrowIfCancellationRequested();
                progress?.Invoke(new StoreProgress("seals", done, total));
            }
        });
        findings.AddRange(damaged.Select(page => $"seal: page {page} is damaged (byte {(page - 1) * DatabaseFile.PageBytes} of the file)"));
    }
}
