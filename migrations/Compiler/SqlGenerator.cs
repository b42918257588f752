using Auraed.Migrations.ReadModel;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Operations;

namespace Auraed.Migrations.Compiler;

/// <summary>EF Core's SQLite generator with what it does not know: STRICT tables, and tables in the order of their primary key.</summary>
internal sealed class SqlGenerator(MigrationsSqlGeneratorDependencies dependencies, IRelationalAnnotationProvider annotations)
    : SqliteMigrationsSqlGenerator(dependencies, annotations)
{
    /// <summary>The start of the name under which the generator builds a table anew.</summary>
    private const string RebuildPrefix = "ef_temp_";

    protected override void Generate(CreateTableOperation operation, IModel? model, MigrationCommandListBuilder builder, bool terminate = true)
    {
        base.Generate(operation, model, builder, terminate: false);
        var name = operation.Name.StartsWith(RebuildPrefix, StringComparison.Ordinal) ? operation.Name[RebuildPrefix.Length..] : operation.Name;
        var withoutRowId = model?.FindEntityType(name)?.FindAnnotation(RecordModel.WithoutRowId) is not null;
        builder.Append(withoutRowId ? " STRICT, WITHOUT ROWID" : " STRICT");
        if (terminate)
        {
            builder.AppendLine(";");
            EndStatement(builder);
        }
    }
}
