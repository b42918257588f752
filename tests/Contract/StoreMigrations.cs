using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract;

/// <summary>Steps of the schema: planned, taken whole or not at all, undone, and refused when they do not fit.</summary>
public abstract class StoreMigrations(Durability durability) : IDisposable
{
    private static readonly Migration Second = Step("CREATE TABLE extra (a INTEGER PRIMARY KEY, b TEXT) STRICT; INSERT INTO extra VALUES (1, 'x; y');", "DROP TABLE extra;");
    private readonly StoreFixture _fixture = new(durability);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_step_is_planned_then_taken_after_a_snapshot_and_can_be_taken_back()
    {
        await MakeAsync();
        var with = With(Second);
        var plan = Maintenance.PlanMigration(with, null);
        Assert.Equal([Second.Number], plan.Steps.Select(step => step.Number));
        Assert.False(Directory.Exists(Path.Combine(_fixture.Library, "snapshots")));
        await using (var database = Database.Open(with))
        {
            Assert.Equal(1, await RowsAsync(database));
            Assert.Equal(1, database.Durable);
        }

        var snapshot = Assert.Single(Directory.EnumerateFiles(Path.Combine(_fixture.Library, "snapshots")));
        Assert.Equal(1, Maintenance.Verify(snapshot, _fixture.KeyPath, null, CancellationToken.None).Events);
        Assert.True(Maintenance.Migrate(with, Second.Number - 1).IsDown);
        await using var again = _fixture.Open();
        Assert.Equal(1, again.Durable);
        await Assert.ThrowsAsync<Fault>(() => RowsAsync(again));
    }

    [Fact]
    public async Task A_step_that_fails_changes_nothing()
    {
        await MakeAsync();
        Assert.Throws<Fault>(() => Database.Open(With(Step("CREATE TABLE half (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1);", null))));
        await using var database = _fixture.Open();
        Assert.Equal(0, await database.ReadAsync(unit => Count(unit, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), CancellationToken.None));
    }

    [Fact]
    public async Task A_step_that_would_leave_dangling_references_is_refused()
    {
        await MakeAsync();
        var fault = Assert.Throws<Fault>(() => Database.Open(With(Step("CREATE TABLE p (a INTEGER PRIMARY KEY) STRICT; CREATE TABLE c (b INTEGER REFERENCES p(a)) STRICT; INSERT INTO c VALUES (7);", null))));
        Assert.Equal("MIGRATION_FAILED", fault.Reason);
        await using var database = _fixture.Open();
        Assert.Equal(1, database.Durable);
    }

    [Fact]
    public async Task An_applied_step_that_has_changed_since_is_refused()
    {
        await using (Database.Open(With(Second)))
        {
        }

        var fault = Assert.Throws<Fault>(() => Database.Open(With(Step("SELECT 1;", null))));
        Assert.Equal("MIGRATION_CHANGED", fault.Reason);
    }

    [Fact]
    public async Task A_step_without_a_way_back_says_so()
    {
        await using (Database.Open(With(Step("SELECT 1;", null))))
        {
        }

        var fault = Assert.Throws<Fault>(() => Maintenance.PlanMigration(With(Step("SELECT 1;", null)), Second.Number - 1));
        Assert.Equal("NO_WAY_DOWN", fault.Reason);
    }

    private static Migration Step(string up, string? down) => Migration.Parse(Migration.Embedded.Count + 1, "extra", up, down);

    private static long Count(ReadUnit unit, string sql)
    {
        var rows = unit.Prepare(sql);
        return rows.Step() ? rows.Integer(0) : 0;
    }

    private static Task<long> RowsAsync(Database database) => database.ReadAsync(unit => Count(unit, "SELECT count(*) FROM extra"), CancellationToken.None);

    private DatabaseOptions With(Migration step) => _fixture.Options with { Migrations = [.. Migration.Embedded, step] };

    private async Task MakeAsync()
    {
        await using var database = _fixture.Open();
        await StoreFixture.AppendAsync(database, "one");
    }
}

public sealed class StoreMigrationsWal() : StoreMigrations(Durability.Wal);

public sealed class StoreMigrationsJournal() : StoreMigrations(Durability.Journal);
