namespace Auraed.Migrations.Compiler;

/// <summary>What EF Core has no word for: triggers, and full-text indexes. Named pieces of SQL, compared by name and text.</summary>
internal static class Triggers
{
    /// <summary>The pieces of a model, in the order in which they are made. <c>Table</c> is the record table that loses its triggers when it is built anew.</summary>
    public static List<Piece> Of(SchemaModel model)
    {
        var pieces = new List<Piece>();
        foreach (var table in model.Tables)
        {
            pieces.AddRange(table.Columns.Where(static c => c.IsImmutable).Select(c => Immutable(table, c)));
            pieces.AddRange(table.References.Where(static c => c.Reference!.OnDelete == DeleteRule.SetNull).Select(c => SetNull(table, c)));
            pieces.AddRange(FullText(table));
        }

        return pieces;
    }

    private static Piece Immutable(TableModel table, ColumnModel column) => new($"{table.Name}_{column.Name}_immutable", table.Name, "TRIGGER", $"""
        CREATE TRIGGER "{table.Name}_{column.Name}_immutable" BEFORE UPDATE OF "{column.Name}" ON "{table.Name}"
        WHEN OLD."{column.Name}" IS NOT NEW."{column.Name}"
        BEGIN
            SELECT RAISE(ABORT, '{table.Name}.{column.Name} is immutable');
        END;
        """);

    private static Piece SetNull(TableModel table, ColumnModel column) => new($"{table.Name}_{column.Name}_unset", column.Reference!.Table, "TRIGGER", $"""
        CREATE TRIGGER "{table.Name}_{column.Name}_unset" BEFORE DELETE ON "{column.Reference.Table}"
        BEGIN
            UPDATE "{table.Name}" SET "{column.Name}" = NULL WHERE "tenant" = OLD."tenant" AND "{column.Name}" = OLD."id";
        END;
        """);

    private static IEnumerable<Piece> FullText(TableModel table)
    {
        var columns = table.Columns.Where(static c => c.IsFullText).Select(static c => c.Name).ToList();
        if (columns.Count == 0)
        {
            yield break;
        }

        var index = table.Name + "_fts";
        var names = string.Join(", ", columns.Select(static c => $"\"{c}\""));
        var old = string.Join(", ", columns.Select(static c => $"OLD.\"{c}\""));
        var @new = string.Join(", ", columns.Select(static c => $"NEW.\"{c}\""));
        var remove = $"INSERT INTO \"{index}\" (\"{index}\", rowid, {names}) VALUES ('delete', OLD.\"row_id\", {old});";
        var add = $"INSERT INTO \"{index}\" (rowid, {names}) VALUES (NEW.\"row_id\", {@new});";
        yield return new Piece(index, table.Name, "TABLE", $"""
            CREATE VIRTUAL TABLE "{index}" USING fts5({names}, content='{table.Name}', content_rowid='row_id', tokenize='unicode61 remove_diacritics 2');
            INSERT INTO "{index}" ("{index}") VALUES ('rebuild');
            """);
        yield return Trigger(table, index, "insert", $"AFTER INSERT ON \"{table.Name}\"", [add]);
        yield return Trigger(table, index, "delete", $"AFTER DELETE ON \"{table.Name}\"", [remove]);
        yield return Trigger(table, index, "update", $"AFTER UPDATE OF {names} ON \"{table.Name}\"", [remove, add]);
    }

    private static Piece Trigger(TableModel table, string index, string verb, string when, string[] body) => new($"{index}_{verb}", table.Name, "TRIGGER",
        $"CREATE TRIGGER \"{index}_{verb}\" {when}\nBEGIN\n    {string.Join("\n    ", body)}\nEND;");
}

/// <summary>One named thing in the schema beside its tables.</summary>
internal sealed record Piece(string Name, string Table, string Type, string Sql)
{
    public string Drop => $"DROP {Type} \"{Name}\";";
}
