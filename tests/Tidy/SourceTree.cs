using System.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Auraed.Tests.Tidy;

/// <summary>The repository as its readers see it: the tracked files (or, outside a checkout, the files that are not made), parsed once.</summary>
internal static class SourceTree
{
    private static readonly string[] Made = ["artifacts", ".git", ".local", "bin", "obj", "node_modules"];

    public static readonly string Root = FindRoot();

    /// <summary>Paths relative to the root, with forward slashes.</summary>
    public static readonly IReadOnlyList<string> Files = List();

    /// <summary>Every C# file with its syntax tree.</summary>
    public static readonly IReadOnlyList<SourceFile> CSharp =
        [.. Files.Where(path => path.EndsWith(".cs", StringComparison.Ordinal)).Select(SourceFile.Read)];

    /// <summary>The C# files that end up in the binary.</summary>
    public static IEnumerable<SourceFile> InBinary => CSharp.Where(file =>
        file.Path.StartsWith("daemon/", StringComparison.Ordinal) || file.Path.StartsWith("pki/", StringComparison.Ordinal)
        || file.Path.StartsWith("api/", StringComparison.Ordinal));

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "auraed-sharp.sln")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("the tests do not run inside the repository");
        }

        return directory;
    }

    private static string[] List()
    {
        if (Path.Exists(Path.Combine(Root, ".git")))
        {
            var start = new ProcessStartInfo("git", ["ls-files", "-co", "--exclude-standard"]) { WorkingDirectory = Root, RedirectStandardOutput = true };
            using var git = Process.Start(start)!;
            var output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            if (git.ExitCode == 0)
            {
                return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(path => File.Exists(Path.Combine(Root, path))).Order(StringComparer.Ordinal)];
            }
        }

        return [.. Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(Made.Contains))
            .Order(StringComparer.Ordinal)];
    }
}

/// <summary>One C# file: where it is, what it says, how it parses.</summary>
internal sealed record SourceFile(string Path, string Text, SyntaxTree Tree)
{
    public SyntaxNode Syntax => Tree.GetRoot();

    /// <summary>The folder directly under daemon/, or null for a file elsewhere.</summary>
    public string? Room => Path.Split('/') is ["daemon", var room, _, ..] ? room : null;

    public int LineOf(SyntaxNode node) => Tree.GetLineSpan(node.Span).StartLinePosition.Line + 1;

    public static SourceFile Read(string path)
    {
        var text = SourceTree.Read(path);
        return new SourceFile(path, text, CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview)));
    }
}
