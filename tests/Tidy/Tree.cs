using System.Text.RegularExpressions;

namespace Auraed.Tests.Tidy;

/// <summary>What may lie where, and what the repository never says.</summary>
public class Tree
{
    private static readonly string[] TopLevel =
    [
        "auraed-sharp.sln", "daemon", "api", "migrations", "pki", "tests", "packaging", "Makefile", "README.md",
        ".ci", "Directory.Build.props", "Directory.Packages.props", ".editorconfig", ".gitignore", "global.json",
    ];

    [Fact]
    public void The_top_level_is_fixed()
    {
        Assert.Empty(SourceTree.Files.Select(path => path.Split('/')[0]).Distinct().Except(TopLevel));
    }

    [Fact]
    public void No_build_output_and_no_private_key_is_tracked()
    {
        var offences = SourceTree.Files.Where(path => Regex.IsMatch(path, @"(^|/)(bin|obj|node_modules)/|\.received\.|\.(dll|so|a|o|exe|db-wal|db-shm)$"))
            .Concat(SourceTree.Files.Where(path => IsText(path) && Regex.IsMatch(SourceTree.Read(path), "-----BEGIN [A-Z ]*PRIVATE KEY-----\\n[A-Za-z0-9]"))
                .Select(path => $"{path}: a private key; make one in the test, or build the PEM from a published vector's bytes (RFC 8032, RFC 8410)"));
        Assert.Empty(offences);
    }

    [Fact]
    public void No_registry_and_no_path_of_a_developers_machine_is_named()
    {
        var banned = new Regex(@"registry\.npm" + @"js|api\.nuget\.or" + @"g|nuget\.or" + @"g/|pypi\.or" + @"g|deb\.debian\.or" + @"g|"
            + "/wor" + "k/|/far" + @"m/|/home/[a-z]+/|/Use" + "rs/", RegexOptions.CultureInvariant);
        var offences = from path in SourceTree.Files
                       where IsText(path)
                       from line in SourceTree.Read(path).Split('\n').Select((text, index) => (text, index))
                       where banned.IsMatch(line.text)
                       select $"{path}:{line.index + 1} {line.text.Trim()}";
        Assert.Empty(offences);
    }

    [Fact]
    public void Every_migration_goes_up_and_down()
    {
        var sql = SourceTree.Files.Where(path => path.StartsWith("migrations/sql/", StringComparison.Ordinal)).ToArray();
        var names = sql.Select(path => Path.GetFileName(path).Split('.')[0]).Distinct().Order(StringComparer.Ordinal).ToArray();
        Assert.All(names, name => Assert.Equal(
            [$"migrations/sql/{name}.down.sql", $"migrations/sql/{name}.up.sql"],
            sql.Where(path => Path.GetFileName(path).StartsWith(name + ".", StringComparison.Ordinal) && path.EndsWith(".sql", StringComparison.Ordinal))));
        Assert.Equal(Enumerable.Range(1, names.Length).Select(number => number.ToString("0000", null)), names.Select(name => name[..4]));
    }

    /// <summary>A file nobody names is a file nobody keeps: what is not compiled, not a document and not a test's data is named by another file.</summary>
    [Fact]
    public void No_file_is_an_orphan()
    {
        string[] byConvention = [".cs", ".csproj", ".sln", ".proto", ".sql", ".md", ".props", ".mk"];
        string[] data = ["tests/Golden/", "tests/Upgrade/", "tests/Interop/", "tests/Vectors/"];
        var text = string.Join('\n', SourceTree.Files.Where(path => IsText(path) && !path.EndsWith("package-lock.json", StringComparison.Ordinal)).Select(SourceTree.Read));
        var offences = from path in SourceTree.Files
                       where !TopLevel.Contains(path) && path != ".ci/run" && !byConvention.Contains(Path.GetExtension(path))
                       where !data.Any(folder => path.StartsWith(folder, StringComparison.Ordinal)) && !path.Contains(".verified.", StringComparison.Ordinal)
                       where !text.Contains(Path.GetFileName(path), StringComparison.Ordinal)
                       select path;
        Assert.Empty(offences);
    }

    private static bool IsText(string path)
    {
        using var stream = File.OpenRead(Path.Combine(SourceTree.Root, path));
        Span<byte> head = stackalloc byte[4096];
        var read = stream.Read(head);
        return !head[..read].Contains((byte)0);
    }
}
