using System.Globalization;
using Auraed.Base;

namespace Auraed.Store;

/// <summary>What a migration would do: the steps in the order in which they are taken, up or down.</summary>
public sealed record MigrationPlan(Version From, Version To, IReadOnlyList<Migration> Steps, bool IsDown)
{
    public bool IsEmpty => Steps.Count == 0;
}

/// <summary>
/// Takes the file from the steps it has to the steps wanted. Invariants: a step and its row in schema_version are one transaction; an
/// applied step whose SQL has changed since is refused; a file of a newer major version is refused before anything is written.
/// </summary>
internal sealed class Migrator(Connection connection, IReadOnlyList<Migration> known, TimeProvider time)
{
    private readonly List<(int Number, Version Version)> _applied = ReadApplied(connection, known);

    public Version Version => _applied.Count == 0 ? new Version(0, 0, 0) : _applied[^1].Version;

    /// <summary>The steps to <paramref name="number"/>; null is the newest known.</summary>
    public MigrationPlan Plan(int? number = null)
    {
        var target = number ?? known[^1].Number;
        if (target < 1 || target > known[^1].Number)
        {
            throw Fault.Invalid("to", $"there is no migration {target}; this binary has 1 to {known[^1].Number}");
        }

        var last = _applied.Count == 0 ? 0 : _applied[^1].Number;
        if (target >= last || (number is null && last > target))
        {
            return new MigrationPlan(Version, target >= last ? known[target - 1].Version : Version, [.. known.Where(step => step.Number > last && step.Number <= target)], IsDown: false);
        }

        Migration[] back = [.. known.Where(step => step.Number > target && step.Number <= last).Reverse()];
        var stuck = back.FirstOrDefault(step => step.Down is null);
        return stuck is null
            ? new MigrationPlan(Version, known[target - 1].Version, back, IsDown: true)
            : throw new Fault(FaultKind.Precondition, $"migration {stuck.Number} ({stuck.Name}) cannot be taken back without losing data", hint: "auraed restore of the snapshot made before it") { Reason = "NO_WAY_DOWN" };
    }

    public void Apply(MigrationPlan plan)
    {
        foreach (var step in plan.Steps)
        {
            CrashPoint.Reach("migration.before");
            Take(step, plan.IsDown);
            CrashPoint.Reach("migration.after");
        }
    }

    private static List<(int Number, Version Version)> ReadApplied(Connection connection, IReadOnlyList<Migration> known)
    {
        var applied = new List<(int, Version)>();
        if (connection.QueryInteger("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'") == 0)
        {
            return applied;
        }

        var rows = connection.Prepare("SELECT number, name, version, checksum FROM schema_version ORDER BY number");
        while (rows.Step())
        {
            var number = (int)rows.Integer(0);
            var version = Version.Parse(rows.Text(2));
            if (number <= known.Count && known[number - 1].Checksum != rows.Text(3))
            {
                var fault = new Fault(FaultKind.Precondition, $"migration {number} ({rows.Text(1)}) in the database is not the one in this binary", hint: "run the release that wrote the database") { Reason = "MIGRATION_CHANGED" };
                connection.EndUnit();
                throw fault;
            }

            applied.Add((number, version));
        }

        connection.EndUnit();
        if (applied.Count > 0 && applied[^1].Item2.Major > known[^1].Version.Major)
        {
            throw new Fault(FaultKind.Precondition, $"the database has data version {applied[^1].Item2}, and this binary understands up to {known[^1].Version.Major}.x; nothing was changed", hint: "install the newer release") { Reason = "NEWER_DATA" };
        }

        return applied;
    }

    private void Take(Migration step, bool down)
    {
        // Table rebuilds need foreign keys off, which only works outside a transaction; the check before COMMIT takes their place.
        connection.Execute("PRAGMA foreign_keys = OFF");
        connection.BeginWrite();
        try
        {
            connection.ExecuteScript(down ? step.Down! : step.Up);
            CrashPoint.Reach("migration.script");
            var dangling = connection.QueryTexts("PRAGMA foreign_key_check");
            if (dangling.Count > 0)
            {
                throw new Fault(FaultKind.Corrupt, $"migration {step.Number} ({step.Name}) would leave dangling references in {dangling[0]}; nothing was changed") { Reason = "MIGRATION_FAILED" };
            }

            Record(step, down);
            CrashPoint.Reach("migration.commit");
            connection.Execute("COMMIT");
        }
        catch
        {
            if (!connection.IsIdle)
            {
                connection.Execute("ROLLBACK");
            }

            throw;
        }
        finally
        {
            connection.Execute("PRAGMA foreign_keys = ON");
        }
    }

    private void Record(Migration step, bool down)
    {
        var version = step.Version;
        if (down)
        {
            if (step.Number > 1)
            {
                connection.Execute(string.Create(CultureInfo.InvariantCulture, $"DELETE FROM schema_version WHERE number = {step.Number}"));
            }

            _applied.RemoveAt(_applied.Count - 1);
            version = Version;
        }
        else
        {
            var row = connection.Prepare("INSERT INTO schema_version (number, name, version, checksum, applied_time, applied_by) VALUES (?, ?, ?, ?, ?, ?)");
            row.Integer(0, step.Number);
            row.Text(1, step.Name);
            row.Text(2, step.Version.ToString(3));
            row.Text(3, step.Checksum);
            row.Integer(4, (time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) * 100);
            row.Text(5, $"auraed {typeof(Migrator).Assembly.GetName().Version?.ToString(3)}");
            row.Execute();
            connection.EndUnit();
            _applied.Add((step.Number, step.Version));
        }

        // 1.2.3 is 1002003, so that a file's version can be read without its schema.
        connection.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {(version.Major * 1_000_000) + (version.Minor * 1_000) + version.Build}"));
    }
}

/// <summary>A step that the file has taken.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Name">What it did.</param>
/// <param name="Version">The data version after it.</param>
/// <param name="Checksum">SHA-256 of its SQL in hexadecimal digits.</param>
/// <param name="Time">When, in nanoseconds since 1970 UTC.</param>
/// <param name="By">By which program.</param>
public sealed record AppliedMigration(int Number, string Name, string Version, string Checksum, long Time, string By)
{
    internal static IReadOnlyList<AppliedMigration> ReadAll(ReadUnit unit)
    {
        var steps = new List<AppliedMigration>();
        var rows = unit.Prepare("SELECT number, name, version, checksum, applied_time, applied_by FROM schema_version ORDER BY number");
        while (rows.Step())
        {
            steps.Add(new AppliedMigration((int)rows.Integer(0), rows.Text(1), rows.Text(2), rows.Text(3), rows.Integer(4), rows.Text(5)));
        }

        return steps;
    }
}
