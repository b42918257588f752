using Auraed.Migrations.Compiler;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Golden;

/// <summary>The schema after each migration, as the engine tells it.</summary>
public class SchemaSql
{
    public static TheoryData<int> Numbers => [.. Migration.Embedded.Select(static m => m.Number)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task The_schema_after_each_migration_is_the_reviewed_one(int number)
    {
        using var store = new StoreFixture();
        await using var database = Database.Open(store.Options with { Migrations = [.. Migration.Embedded.Take(number)] });
        var schema = await TableRows.TextAsync(database, "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name");
        Support.Golden.Verify($"-- data version {Migration.Embedded[number - 1].Version}\n{schema}", Migration.Embedded[number - 1].Name);
    }

    [Fact]
    public void No_migration_has_changed_since_the_compiler_wrote_it() =>
        Assert.Equal(File.ReadAllText(Repository.Path("migrations", MigrationFiles.Digests)), MigrationFiles.DigestsOf(Repository.Path("migrations")));
}
