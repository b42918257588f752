namespace Auraed.Migrations.Compiler;

/// <summary>What moved between two models.</summary>
internal static class SchemaChange
{
    /// <summary>What both have, as the source has it.</summary>
    public static SchemaModel Kept(SchemaModel source, SchemaModel target)
    {
        var tables = new List<TableModel>();
        foreach (var table in source.Tables)
        {
            if (target.Tables.FirstOrDefault(t => Same(t, table)) is not { } now)
            {
                continue;
            }

            tables.Add(table with
            {
                Columns = Kept(table.Columns, now.Columns),
                Children = [.. from child in table.Children
                               let other = now.Children.FirstOrDefault(c => Same(c, child))
                               where other is not null
                               select child with { Columns = Kept(child.Columns, other.Columns) }],
            });
        }

        var names = tables.Select(static t => t.Name).ToHashSet();
        return new SchemaModel([.. tables.Select(t => t with { Columns = [.. t.Columns.Select(c => c.Reference is { } r && !names.Contains(r.Table) ? c with { Reference = null } : c)] })]);
    }

    /// <summary>
    /// The data version after the change. Major: a binary of before would read or write wrongly, since something is gone or holds less than it did.
    /// Minor: something was added that a binary of before leaves alone. Patch: only how fast things are found.
    /// </summary>
    public static Version Next(Version last, SchemaModel source, SchemaModel target)
    {
        var kept = Kept(source, target);
        var columnsBefore = Columns(source).ToList();
        var columnsKept = Columns(kept).ToDictionary(static c => c.Path);
        var now = Columns(target).ToDictionary(static c => c.Path);
        var gone = columnsBefore.Count != columnsKept.Count || Names(kept).Count() != Names(source).Count();
        if (gone || columnsBefore.Any(c => IsTighter(c.Column, now[c.Path].Column)))
        {
            return new Version(last.Major + 1, 0, 0);
        }

        return now.Count > columnsBefore.Count || Names(target).Count() > Names(source).Count()
            ? new Version(last.Major, last.Minor + 1, 0)
            : new Version(last.Major, last.Minor, last.Build + 1);
    }

    private static bool IsTighter(ColumnModel was, ColumnModel now) =>
        was.Kind != now.Kind || was.IsNullable != now.IsNullable || was.IsList != now.IsList || was.IsMap != now.IsMap
        || (!was.IsUnique && now.IsUnique) || (!was.IsImmutable && now.IsImmutable) || was.Reference != now.Reference || was.VectorDimensions != now.VectorDimensions;

    private static IEnumerable<(string Path, ColumnModel Column)> Columns(SchemaModel model) =>
        from table in model.Tables
        from column in table.Columns.Append(table.Key).Select(c => ($"{table.Name}.{c.Name}", c))
            .Concat(table.Children.SelectMany(static child => child.Columns.Select(c => ($"{child.Name}.{c.Name}", c))))
        select column;

    private static IEnumerable<string> Names(SchemaModel model) => model.Tables.SelectMany(static t => t.Children.Select(static c => c.Name).Prepend(t.Name));

    private static bool Same(TableModel left, TableModel right) => left.Name == right.Name && left.TypeName == right.TypeName
        ? left.Key.Name == right.Key.Name ? true : throw new SchemaException($"{left.TypeName}: the key cannot move from {left.Key.Name} to {right.Key.Name}; make a new message")
        : false;

    private static bool Same(ChildModel left, ChildModel right) => left.Name == right.Name && left.TypeName == right.TypeName && left.IsRepeated == right.IsRepeated;

    private static IReadOnlyList<ColumnModel> Kept(IReadOnlyList<ColumnModel> source, IReadOnlyList<ColumnModel> target) =>
        [.. source.Where(c => target.Any(t => t.Name == c.Name && t.Number == c.Number && t.SqlType == c.SqlType && t.IsList == c.IsList && t.IsMap == c.IsMap))];
}
