namespace Auraed.Migrations.Compiler;

/// <summary>One numbered migration, up and down.</summary>
internal sealed record MigrationScript(Version Version, string Up, string Down)
{
    /// <summary>Null when nothing moved.</summary>
    public static MigrationScript? Between(SchemaModel source, SchemaModel target, Version last)
    {
        if (Snapshots.Write(source) == Snapshots.Write(target))
        {
            return null;
        }

        var version = SchemaChange.Next(last, source, target);
        var head = $"-- version: {version}\n-- Written by the schema compiler from the annotated messages.\n\n";
        return new MigrationScript(version, head + Body(source, target), Body(target, source));
    }

    /// <summary>
    /// Triggers and full-text indexes that are gone or changed, and the triggers of every table that is altered, are dropped first and made again last:
    /// a table that is built anew loses its triggers, and a trigger that fires while rows are copied would index them twice.
    /// </summary>
    private static string Body(SchemaModel source, SchemaModel target)
    {
        var commands = TableScript.Between(source, target).ToList();
        var before = Triggers.Of(source);
        var after = Triggers.Of(target);
        var altered = target.Tables.Concat(source.Tables).Select(static t => t.Name).Where(name => commands.Any(c => Touches(c, name))).ToHashSet();
        bool Stays(Piece piece, List<Piece> others) => others.Contains(piece) && !(piece.Type == "TRIGGER" && altered.Contains(piece.Table));

        var all = before.Where(p => !Stays(p, after)).Reverse().Select(static p => p.Drop)
            .Concat(commands)
            .Concat(after.Where(p => !Stays(p, before)).Select(static p => p.Sql));
        return string.Join("\n\n", all) + "\n";
    }

    private static bool Touches(string command, string table) =>
        command.StartsWith($"DROP TABLE \"{table}\"", StringComparison.Ordinal) || command.StartsWith($"ALTER TABLE \"{table}\"", StringComparison.Ordinal)
        || command.StartsWith($"CREATE TABLE \"{table}\"", StringComparison.Ordinal);
}
