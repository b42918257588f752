using Auraed.Migrations.ReadModel;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Auraed.Migrations.Compiler;

/// <summary>
/// The SQL that takes the tables of one model to those of another. Two steps, each EF Core's: first what is gone is dropped, then what is new is added;
/// in one step the differ would take a dropped column and a like new one for a renamed column, and hand one field's data to another.
/// </summary>
internal static class TableScript
{
    public static IEnumerable<string> Between(SchemaModel source, SchemaModel target)
    {
        var kept = SchemaChange.Kept(source, target);
        return Step(source, kept).Concat(Step(kept, target));
    }

    private static List<string> Step(SchemaModel source, SchemaModel target)
    {
        using var before = new ModelContext(source);
        using var after = new ModelContext(target);
        var operations = after.GetService<IMigrationsModelDiffer>().GetDifferences(before.Relational, after.Relational);
        var commands = after.GetService<IMigrationsSqlGenerator>().Generate(operations, after.GetService<IDesignTimeModel>().Model);

        // The migrator has foreign keys off around a step and checks them all before it commits; the pragma does nothing inside a transaction.
        return [.. commands.Select(static c => c.CommandText.Trim()).Where(static text => !text.StartsWith("PRAGMA", StringComparison.Ordinal))];
    }

    private sealed class ModelContext(SchemaModel model) : DbContext
    {
        public SchemaModel Schema => model;

        public IRelationalModel Relational => this.GetService<IDesignTimeModel>().Model.GetRelationalModel();

        protected override void OnConfiguring(DbContextOptionsBuilder options)
        {
            EngineProvider.Use();
            options.UseSqlite("Data Source=:memory:")
                .ReplaceService<IMigrationsSqlGenerator, SqlGenerator>()
                .ReplaceService<IModelCacheKeyFactory, KeyPerModel>();
        }

        protected override void OnModelCreating(ModelBuilder builder) => RecordModel.Configure(builder, model);
    }

    /// <summary>A model of its own for every schema; by default there is one for each type of context.</summary>
    private sealed class KeyPerModel : IModelCacheKeyFactory
    {
        public object Create(DbContext context, bool designTime) => (((ModelContext)context).Schema, designTime);
    }
}
