using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Auraed.Tests.Tidy;

/// <summary>Lengths, names, and the calls that have a better one.</summary>
public partial class Style
{
    private const int FileLinesMax = 500;
    private const int FunctionLinesMax = 70;

    /// <summary>What is not called in the binary, and what is called instead.</summary>
    private static readonly (string Call, string Instead, string[] Except)[] Banned =
    [
        ("DateTime.UtcNow", "TimeProvider.GetUtcNow", []),
        ("DateTime.Now", "TimeProvider.GetUtcNow", []),
        ("DateTimeOffset.UtcNow", "TimeProvider.GetUtcNow", []),
        ("DateTimeOffset.Now", "TimeProvider.GetUtcNow", []),
        ("Task.Run", "a loop that somebody owns and awaits", []),
        ("Thread.Sleep", "a wait on the condition, with a timeout", []),
        ("Process.Start", "Supervise, which owns processes", []),
        ("Environment.Exit", "the exit code that Main returns", []),
        ("Environment.FailFast", "Invariant.Hold", ["daemon/Base/", "daemon/Host/", "daemon/Store/"]),
        ("GC.Collect", "no call: memory is bounded by Limits", ["daemon/Host/"]),
        ("Console.WriteLine", "Cli's printer, or a message in Base/Log", ["daemon/Cli/", "daemon/Host/"]),
        ("Console.Error", "Cli's printer, or a message in Base/Log", ["daemon/Cli/", "daemon/Host/"]),
        ("Activator.CreateInstance", "a constructor call, which the AOT compiler sees", []),
        ("Type.GetType", "a typed reference, which the AOT compiler sees", ["daemon/Host/KestrelScheduling.cs"]),
        ("JsonSerializer.Serialize", "Utf8JsonWriter or a JsonSerializerContext", []),
        ("Random.Shared", "RandomNumberGenerator, or a seeded Random that is passed in", []),
    ];

    [Fact]
    public void No_file_is_longer_than_a_room_can_hold()
    {
        var offences = from file in SourceTree.CSharp
                       let lines = file.Text.Count(character => character == '\n')
                       where lines > FileLinesMax
                       select $"{file.Path}: {lines} lines, at most {FileLinesMax}";
        Assert.Empty(offences);
    }

    [Fact]
    public void Every_function_fits_a_screen()
    {
        var offences = from file in SourceTree.CSharp
                       from function in file.Syntax.DescendantNodes()
                       where function is BaseMethodDeclarationSyntax or LocalFunctionStatementSyntax
                       let span = function.GetLocation().GetLineSpan().Span
                       let lines = span.End.Line - span.Start.Line + 1
                       where lines > FunctionLinesMax
                       select $"{file.Path}:{file.LineOf(function)} {lines} lines, at most {FunctionLinesMax}";
        Assert.Empty(offences);
    }

    [Fact]
    public void A_banned_call_has_a_named_replacement()
    {
        var offences = from file in SourceTree.InBinary
                       from access in file.Syntax.DescendantNodes().OfType<MemberAccessExpressionSyntax>()
                       let call = access.ToString()
                       from ban in Banned
                       where call == ban.Call || call.EndsWith("." + ban.Call, StringComparison.Ordinal)
                       where !ban.Except.Any(place => file.Path.StartsWith(place, StringComparison.Ordinal))
                       select $"{file.Path}:{file.LineOf(access)} {ban.Call}: use {ban.Instead}";
        Assert.Empty(offences);
    }

    [Fact]
    public void Unsafe_code_and_native_calls_live_in_Native()
    {
        var offences = from file in SourceTree.InBinary
                       where file.Room != "Native"
                       from found in file.Syntax.DescendantTokens().Where(token => token.IsKind(SyntaxKind.UnsafeKeyword)).Select(token => token.ToString())
                           .Concat(file.Syntax.DescendantNodes().OfType<AttributeSyntax>().Select(attribute => attribute.Name.ToString())
                               .Where(name => name is "LibraryImport" or "DllImport"))
                       select $"{file.Path}: {found}";
        Assert.Empty(offences);
    }

    [Fact]
    public void The_folder_is_the_namespace_and_the_file_names_a_type()
    {
        var offences = new List<string>();
        foreach (var file in SourceTree.CSharp.Where(file => file.Room is not null))
        {
            var folder = "Auraed." + string.Join('.', file.Path.Split('/')[1..^1]);
            var declared = file.Syntax.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>().FirstOrDefault()?.Name.ToString();
            if (declared != folder)
            {
                offences.Add($"{file.Path}: namespace {declared}, folder {folder}");
            }

            var name = Path.GetFileName(file.Path).Split('.')[0];
            var types = file.Syntax.DescendantNodes()
                .Select(node => node is BaseTypeDeclarationSyntax type ? type.Identifier.Text : node is DelegateDeclarationSyntax callback ? callback.Identifier.Text : null)
                .OfType<string>();
            if (!types.Contains(name))
            {
                offences.Add($"{file.Path}: declares no type {name}");
            }
        }

        Assert.Empty(offences);
    }

    [Fact]
    public void Log_messages_have_ids_of_their_own_and_live_in_Base()
    {
        var seen = new Dictionary<int, string>();
        var offences = new List<string>();
        foreach (var file in SourceTree.InBinary)
        {
            foreach (Match match in LoggerMessage().Matches(file.Text))
            {
                if (!file.Path.StartsWith("daemon/Base/Log", StringComparison.Ordinal))
                {
                    offences.Add($"{file.Path}: [LoggerMessage] belongs in daemon/Base/Log*.cs");
                }

                var id = int.Parse(match.Groups[1].Value, null);
                if (!seen.TryAdd(id, file.Path))
                {
                    offences.Add($"{file.Path}: log id {id} is taken");
                }
            }
        }

        Assert.Empty(offences);
    }

    [Fact]
    public void Nothing_is_left_for_later()
    {
        string[] words = ["TO" + "DO", "FIX" + "ME", "HA" + "CK", "XX" + "X", "NotImplemented" + "Exception"];
        var offences = from path in SourceTree.Files
                       where path.Split('.')[^1] is "cs" or "sh" or "proto" or "c" or "h" or "mk" or "js" or "py" or "sql" || Path.GetFileName(path) == "Makefile"
                       from line in SourceTree.Read(path).Split('\n').Select((text, index) => (text, index))
                       from word in words
                       where Regex.IsMatch(line.text, $@"\b{word}\b")
                       select $"{path}:{line.index + 1} {word}";
        Assert.Empty(offences);
    }

    [Fact]
    public void Every_test_can_run_and_can_fail()
    {
        var skip = new Regex(@"\[(Fact|Theory)\([^)]*\b" + "Skip|Assert\\." + @"True\(true\)", RegexOptions.CultureInvariant);
        var sleep = new Regex(@"Thread\." + @"Sleep\(|Task\." + @"Delay\(\d{3,}\)", RegexOptions.CultureInvariant);
        var offences = from file in SourceTree.CSharp
                       where file.Path.StartsWith("tests/", StringComparison.Ordinal)
                       from line in file.Text.Split('\n').Select((text, index) => (text, index))
                       where skip.IsMatch(line.text) || sleep.IsMatch(line.text)
                       select $"{file.Path}:{line.index + 1} {line.text.Trim()}";
        Assert.Empty(offences);
    }

    [GeneratedRegex(@"\[LoggerMessage\(\s*(?:EventId\s*=\s*)?(\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex LoggerMessage();
}
