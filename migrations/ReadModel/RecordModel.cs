using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Row = System.Collections.Generic.Dictionary<string, object>;

namespace Auraed.Migrations.ReadModel;

/// <summary>Puts the record tables into an EF Core model, each as an entity of named values (a property bag) with the table's name.</summary>
public static class RecordModel
{
    /// <summary>Marks a table that lies in its primary key's order.</summary>
    public const string WithoutRowId = "Aurae:WithoutRowId";

    public static void Configure(ModelBuilder builder, SchemaModel model)
    {
        foreach (var table in model.Tables)
        {
            builder.SharedTypeEntity<Row>(table.Name, entity => Record(entity, table));
        }

        foreach (var table in model.Tables)
        {
            builder.SharedTypeEntity<Row>(table.Name, entity => References(entity, table));
            foreach (var child in table.Children)
            {
                builder.SharedTypeEntity<Row>(child.Name, entity => Child(entity, table, child));
            }
        }
    }

    private static void Record(EntityTypeBuilder<Row> entity, TableModel table)
    {
        entity.ToTable(table.Name);
        var order = 0;
        Property(entity, "row_id", typeof(long), "INTEGER", order++);
        Property(entity, "tenant", typeof(string), "TEXT", order++);
        Property(entity, "id", typeof(string), "TEXT", order++);
        Property(entity, "revision", typeof(long), "INTEGER", order++);
        Property(entity, "create_time", typeof(long), "INTEGER", order++);
        Property(entity, "update_time", typeof(long), "INTEGER", order++);
        Property(entity, "labels", typeof(string), "TEXT", order++).IsRequired(false);
        entity.HasKey("row_id").HasName(table.Name + "_row");
        entity.HasAlternateKey("tenant", "id").HasName(table.Name + "_id");
        Columns(entity, table.Columns, order);
        foreach (var column in table.Columns.Where(static c => c.IsUnique || c.IsIndexed || c.Reference is not null))
        {
            entity.HasIndex(["tenant", column.Name], $"{table.Name}_{column.Name}_index").IsUnique(column.IsUnique);
        }
    }

    private static void References(EntityTypeBuilder<Row> entity, TableModel table)
    {
        foreach (var column in table.References)
        {
            entity.HasOne(column.Reference!.Table, null).WithMany()
                .HasForeignKey("tenant", table.SqlName(column)).HasPrincipalKey("tenant", "id")
                .HasConstraintName($"{table.Name}_{column.Name}_reference")
                .OnDelete(column.Reference.OnDelete switch
                {
                    DeleteRule.Cascade => DeleteBehavior.Cascade,
                    DeleteRule.Restrict => DeleteBehavior.Restrict,

                    // The engine would unset the tenant too; a trigger unsets the reference alone.
                    DeleteRule.SetNull => DeleteBehavior.ClientNoAction,
                });
        }
    }

    private static void Child(EntityTypeBuilder<Row> entity, TableModel table, ChildModel child)
    {
        entity.ToTable(child.Name).HasAnnotation(WithoutRowId, true);
        Property(entity, "parent", typeof(long), "INTEGER", 0);
        Property(entity, "ordinal", typeof(long), "INTEGER", 1);
        entity.HasKey("parent", "ordinal").HasName(child.Name + "_row");
        entity.HasOne(table.Name, null).WithMany().HasForeignKey("parent").HasPrincipalKey("row_id")
            .HasConstraintName(child.Name + "_parent").OnDelete(DeleteBehavior.Cascade);
        Columns(entity, child.Columns, 2);
        foreach (var column in child.Columns.Where(static c => c.IsIndexed))
        {
            entity.HasIndex([column.Name], $"{child.Name}_{column.Name}_index");
        }
    }

    private static void Columns(EntityTypeBuilder<Row> entity, IReadOnlyList<ColumnModel> columns, int order)
    {
        foreach (var column in columns)
        {
            var type = column.SqlType switch
            {
                "INTEGER" => column.IsNullable ? typeof(long?) : typeof(long),
                "REAL" => column.IsNullable ? typeof(double?) : typeof(double),
                "BLOB" => typeof(byte[]),
                _ => typeof(string),
            };
            var property = Property(entity, column.Name, type, column.SqlType, order++).IsRequired(!column.IsNullable);
            if (!column.IsNullable)
            {
                property.HasDefaultValue(Default(column)).ValueGeneratedNever();
            }
        }

        Property(entity, "unknown_fields", typeof(byte[]), "BLOB", order).IsRequired(false);
    }

    private static PropertyBuilder Property(EntityTypeBuilder<Row> entity, string name, Type type, string sqlType, int order) =>
        entity.IndexerProperty(type, name).HasColumnType(sqlType).HasColumnOrder(order).ValueGeneratedNever().IsRequired(Nullable.GetUnderlyingType(type) is null);

    private static object Default(ColumnModel column) => column.SqlType switch
    {
        "INTEGER" => 0L,
        "REAL" => 0.0,
        "BLOB" => Array.Empty<byte>(),
        _ => column.IsList ? "[]" : column.IsMap ? "{}" : "",
    };
}
