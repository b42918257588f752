using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Auraed.Migrations.Compiler;

/// <summary>
/// The tracked files under migrations/: <c>sql/NNNN_name.up.sql</c> and <c>.down.sql</c>, their digests in <c>sql.sha256</c> (the format of sha256sum),
/// and the snapshots of the tables and of the wire.
/// </summary>
internal static partial class MigrationFiles
{
    public const string Digests = "sql.sha256";

    /// <summary>Writes the next migration; returns its path, or null when the tables did not move. The wire's baseline is written in any case.</summary>
    public static string? Write(string directory, string name, Descriptors descriptors)
    {
        var wire = WireModel.Of(descriptors);
        var baseline = Path.Combine(directory, Snapshots.WireFile);
        if (File.Exists(baseline) && wire.BreaksOf(Snapshots.ReadWire(File.ReadAllText(baseline))) is { Count: > 0 } breaks)
        {
            throw new SchemaException("the wire is broken for those that speak it already:\n  " + string.Join("\n  ", breaks));
        }

        var snapshot = Path.Combine(directory, Snapshots.SchemaFile);
        var target = ModelReader.Read(descriptors);
        var source = File.Exists(snapshot) ? Snapshots.ReadSchema(File.ReadAllText(snapshot)) : new SchemaModel([]);
        var script = MigrationScript.Between(source, target, LastVersion(directory));
        File.WriteAllText(baseline, Snapshots.Write(wire));
        if (script is null)
        {
            return null;
        }

        if (!Name().IsMatch(name))
        {
            throw new SchemaException($"the migration's name \"{name}\" is not snake_case");
        }

        var stem = Path.Combine(directory, "sql", string.Create(CultureInfo.InvariantCulture, $"{Numbered(directory).Count() + 1:D4}_{name}"));
        File.WriteAllText(stem + ".up.sql", script.Up);
        File.WriteAllText(stem + ".down.sql", script.Down);
        File.WriteAllText(snapshot, Snapshots.Write(target));
        File.WriteAllText(Path.Combine(directory, Digests), DigestsOf(directory));
        return stem + ".up.sql";
    }

    /// <summary>One line for each file that the compiler wrote, in their order; the first migration is written by hand.</summary>
    public static string DigestsOf(string directory)
    {
        var text = new StringBuilder();
        foreach (var file in Directory.GetFiles(Path.Combine(directory, "sql"), "*.sql").Order(StringComparer.Ordinal).Where(static f => !Path.GetFileName(f).StartsWith("0001_", StringComparison.Ordinal)))
        {
            text.Append(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))).Append("  sql/").Append(Path.GetFileName(file)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The data version after the last migration: the line <c>-- version: 1.2.0</c> of its file.</summary>
    public static Version LastVersion(string directory) =>
        Numbered(directory).LastOrDefault() is { } last && VersionLine().Match(File.ReadAllText(last)) is { Success: true } match
            ? Version.Parse(match.Groups[1].Value)
            : new Version(0, 0, 0);

    private static IEnumerable<string> Numbered(string directory) =>
        Directory.Exists(Path.Combine(directory, "sql")) ? Directory.GetFiles(Path.Combine(directory, "sql"), "*.up.sql").Order(StringComparer.Ordinal) : [];

    [GeneratedRegex("^[a-z][a-z0-9_]{0,62}$")]
    private static partial Regex Name();

    [GeneratedRegex(@"^-- version: (\d+\.\d+\.\d+)\s*$", RegexOptions.Multiline)]
    private static partial Regex VersionLine();
}
