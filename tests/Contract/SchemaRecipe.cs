using Auraed.Migrations;
using Auraed.Migrations.Compiler;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract;

/// <summary>The recipe "add a record type" of daemon/README.md, followed to the letter in a copy; then the type is changed, and changed back.</summary>
public sealed class SchemaRecipe : IDisposable
{
    private const string Head = """
        syntax = "proto3";
        package test.widgets.v0;
        option csharp_namespace = "Test.Widgets.V0";
        import "aurae/store/v0/store.proto";
        import "aurae/vms/v0/vms.proto";

        """;

    private const string First = Head + """
        message Widget {
          option (aurae.store.v0.table) = {name: "widget", key: "id"};
          string id = 1;
          string machine = 2 [(aurae.store.v0.column).references = {type: "aurae.vms.v0.VirtualMachine"}];
          uint32 size = 3;
          string note = 4 [(aurae.store.v0.column).full_text = true];
        }
        """;

    private const string Second = Head + """
        message Widget {
          option (aurae.store.v0.table) = {name: "widget", key: "id"};
          reserved 3;
          reserved "size";
          string id = 1;
          string machine = 2 [(aurae.store.v0.column) = {references: {type: "aurae.vms.v0.VirtualMachine"}, immutable: true}];
          string note = 4 [(aurae.store.v0.column).full_text = true];
          uint32 weight = 5;
          repeated string tags = 6;
        }
        """;

    private readonly TemporaryDirectory _copy = new();
    private readonly StoreFixture _store = new();

    public SchemaRecipe()
    {
        Copy(Repository.Path("api"), _copy["api"], "*.proto");
        Copy(Repository.Path("migrations", "sql"), _copy["migrations/sql"], "*.sql");
        foreach (var file in new[] { Snapshots.SchemaFile, Snapshots.WireFile })
        {
            File.Copy(Repository.Path("migrations", file), Path.Combine(_copy["migrations"], file));
        }
    }

    [Fact]
    public async Task A_message_that_is_annotated_becomes_a_table_by_one_migration_and_changes_by_the_next()
    {
        var added = Migrate(First, "add_widget");
        var plain = CompiledMessages.Compile(First);
        await using (var database = Database.Open(_store.Options with { Migrations = added }))
        {
            await TableRows.RoundTripAsync(database, plain.Table("Widget"), plain.Message("Widget", """{"id": "w", "size": 7, "note": "red paint"}"""));
            Assert.Equal("w", await TableRows.TextAsync(database, "SELECT id FROM widget_fts JOIN widget ON row_id = widget_fts.rowid WHERE widget_fts MATCH 'paint'"));
        }

        var changed = Migrate(Second, "weigh_widgets");
        Assert.Equal(new Version(added[^1].Version.Major + 1, 0, 0), changed[^1].Version);
        await using (var database = Database.Open(_store.Options with { Migrations = changed }))
        {
            var richer = CompiledMessages.Compile(Second);
            Assert.Equal(richer.Message("Widget", """{"id": "w", "note": "red paint"}"""), await TableRows.ReadAsync(database, richer.Table("Widget"), "w"));
            await TableRows.RoundTripAsync(database, richer.Table("Widget"), richer.Message("Widget", """{"id": "x", "weight": 3, "tags": ["a"], "note": "blue paint"}"""));
            var matches = "SELECT id FROM widget_fts JOIN widget ON row_id = widget_fts.rowid WHERE widget_fts MATCH 'paint' ORDER BY id";
            Assert.Equal("w\nx", await TableRows.TextAsync(database, matches));
        }
    }

    [Fact]
    public async Task A_step_taken_back_keeps_the_rows()
    {
        var added = Migrate(First, "add_widget");
        var changed = Migrate(Second, "weigh_widgets");
        await using var database = Database.Open(_store.Options with { Migrations = added });
        var plain = CompiledMessages.Compile(First);
        await TableRows.RoundTripAsync(database, plain.Table("Widget"), plain.Message("Widget", """{"id": "w", "size": 7, "note": "red paint"}"""));
        await ExecuteAsync(database, changed[^1].Up);
        await ExecuteAsync(database, changed[^1].Down!);
        Assert.Equal(plain.Message("Widget", """{"id": "w", "note": "red paint"}"""), await TableRows.ReadAsync(database, plain.Table("Widget"), "w"));
        Assert.Equal("widget_fts_delete\nwidget_fts_insert\nwidget_fts_update", await TableRows.TextAsync(database, "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'widget' ORDER BY name"));
    }

    [Fact]
    public void A_message_that_broke_the_wire_is_refused_with_what_to_write()
    {
        Migrate(First, "add_widget");
        var broken = Assert.Throws<SchemaException>(() => Migrate(First.Replace("uint32 size = 3;", "", StringComparison.Ordinal), "lose_size"));
        Assert.Contains("reserved 3; reserved \"size\";", broken.Message, StringComparison.Ordinal);
        broken = Assert.Throws<SchemaException>(() => Migrate(First.Replace("uint32 size", "uint64 size", StringComparison.Ordinal), "grow_size"));
        Assert.Contains("number 3 was uint32 size and is uint64 size", broken.Message, StringComparison.Ordinal);
        broken = Assert.Throws<SchemaException>(() => Migrate(First.Replace("uint32 size", "repeated uint32 size", StringComparison.Ordinal), "many_sizes"));
        Assert.Contains("is repeated uint32 size", broken.Message, StringComparison.Ordinal);
        broken = Assert.Throws<SchemaException>(() => Migrate(First.Replace("string note = 4", "string remark = 4", StringComparison.Ordinal), "rename"));
        Assert.Contains("number 4 was string note", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_build_refuses_messages_whose_tables_no_migration_makes()
    {
        File.WriteAllText(Path.Combine(_copy["api"], "extra.proto"), First);
        var descriptors = Protoc.Describe(_copy["api"]);
        var refused = Assert.Throws<SchemaException>(() => Snapshots.Check(_copy["migrations"], ModelReader.Read(descriptors), descriptors));
        Assert.Contains("make migration NAME=", refused.Message, StringComparison.Ordinal);
        MigrationFiles.Write(_copy["migrations"], "add_widget", descriptors);
        Snapshots.Check(_copy["migrations"], ModelReader.Read(descriptors), descriptors);
        Assert.Null(MigrationFiles.Write(_copy["migrations"], "nothing", descriptors));
    }

    public void Dispose()
    {
        _copy.Dispose();
        _store.Dispose();
    }

    private List<Migration> Migrate(string proto, string name)
    {
        File.WriteAllText(Path.Combine(_copy["api"], "extra.proto"), proto);
        var written = MigrationFiles.Write(_copy["migrations"], name, Protoc.Describe(_copy["api"]));
        Assert.NotNull(written);
        return [.. Directory.GetFiles(_copy["migrations/sql"], "*.up.sql").Order(StringComparer.Ordinal).Select(static (up, index) =>
            Migration.Parse(index + 1, Path.GetFileName(up)[5..^7], File.ReadAllText(up), File.ReadAllText(up[..^7] + ".down.sql")))];
    }

    private static Task<bool> ExecuteAsync(Database database, string script) => database.WriteAsync(
        unit =>
        {
            foreach (var statement in script.Split("\n\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).SelectMany(Statements))
            {
                unit.Prepare(statement).Execute();
            }

            return true;
        },
        default);

    // A trigger is one statement with others inside; anything else ends at its semicolon.
    private static IEnumerable<string> Statements(string text) => text.StartsWith("--", StringComparison.Ordinal) ? []
        : text.StartsWith("CREATE TRIGGER", StringComparison.Ordinal) ? [text]
        : text.Split(";\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static void Copy(string source, string target, string pattern)
    {
        foreach (var file in Directory.GetFiles(source, pattern, SearchOption.AllDirectories))
        {
            var path = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(file, path);
        }
    }
}
