using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Auraed.Tests.Tidy;

/// <summary>Which room may use which, as data. A room that is not in the table is not a room.</summary>
public class Rooms
{
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Base"] = [],
        ["Native"] = ["Base"],
        ["Config"] = ["Base"],
        ["Store"] = ["Native", "Base"],
        ["EventLog"] = ["Store", "Base"],
        // Supervise: a store behind SFTP is reached through a child process, ssh.
        ["Chunks"] = ["Store", "Supervise", "Native", "Base"],
        ["Supervise"] = ["Native", "Base"],
        ["Replicate"] = ["EventLog", "Chunks", "Base"],
        ["Domain"] = ["Store", "Chunks", "Supervise", "EventLog", "Base"],
        ["Rpc"] = ["Domain", "Base"],
        // Chunks: blobs are cut, compressed and checked where they lie, and casync's stores are read and written with the caller's rights.
        // Store: restore, rekey and migrate work on the file of a daemon that is stopped, so there is nobody to call.
        ["Cli"] = ["Config", "Store", "Chunks", "Native", "Base"],
        ["Host"] = ["Cli", "Rpc", "Domain", "Supervise", "Replicate", "EventLog", "Chunks", "Store", "Config", "Native", "Base"],
    };

    [Fact]
    public void Every_folder_of_the_daemon_is_a_room_of_the_table()
    {
        var unknown = SourceTree.InBinary.Where(file => file.Path.StartsWith("daemon/", StringComparison.Ordinal))
            .Select(file => file.Room ?? file.Path).Distinct().Where(room => !MayUse.ContainsKey(room));
        Assert.Empty(unknown);
    }

    [Fact]
    public void A_room_uses_only_the_rooms_below_it()
    {
        var offences = from file in SourceTree.CSharp
                       where file.Room is not null
                       from name in NamesOfRooms(file)
                       where name.Room != file.Room && !MayUse[file.Room!].Contains(name.Room)
                       select $"{file.Path}:{name.Line} ({file.Room}) uses Auraed.{name.Room}";
        Assert.Empty(offences);
    }

    [Fact]
    public void The_table_has_no_cycle()
    {
        foreach (var room in MayUse.Keys)
        {
            Assert.DoesNotContain(room, Below(room));
        }
    }

    [Fact]
    public void Grpc_types_stay_at_the_edges()
    {
        string[] edges = ["Rpc", "Cli", "Host"];
        var offences = from file in SourceTree.CSharp
                       where file.Room is not null && !edges.Contains(file.Room)
                       from directive in file.Syntax.DescendantNodes().OfType<UsingDirectiveSyntax>()
                       where directive.Name?.ToString().StartsWith("Grpc.", StringComparison.Ordinal) == true
                       select $"{file.Path}: {directive}";
        Assert.Empty(offences);
    }

    [Fact]
    public void Sql_is_written_in_Store_alone()
    {
        string[] verbs = ["SELECT ", "INSERT INTO ", "INSERT OR ", "UPDATE ", "DELETE FROM ", "PRAGMA ", "CREATE TABLE ", "SAVEPOINT "];
        var offences = from file in SourceTree.CSharp
                       where file.Room is not null and not "Store"
                       from literal in file.Syntax.DescendantNodes().OfType<LiteralExpressionSyntax>()
                       let text = literal.Token.ValueText.TrimStart()
                       where verbs.Any(verb => text.StartsWith(verb, StringComparison.Ordinal)) && !IsProse(text)
                       select $"{file.Path}:{file.LineOf(literal)} {text}";
        Assert.Empty(offences);
    }

    // Examples in help texts quote a query inside other words; a query handed to the engine is nothing else.
    private static bool IsProse(string text) => text.Contains("auraed ", StringComparison.Ordinal);

    private static IEnumerable<(string Room, int Line)> NamesOfRooms(SourceFile file)
    {
        foreach (var name in file.Syntax.DescendantNodes().OfType<QualifiedNameSyntax>())
        {
            if (name.Parent is not (QualifiedNameSyntax or BaseNamespaceDeclarationSyntax) && name.ToString().Split('.') is ["Auraed", var room, ..])
            {
                yield return (room, file.LineOf(name));
            }
        }
    }

    private static HashSet<string> Below(string room)
    {
        var found = new HashSet<string>();
        var open = new Queue<string>(MayUse[room]);
        while (open.TryDequeue(out var next))
        {
            if (found.Add(next))
            {
                foreach (var lower in MayUse[next])
                {
                    open.Enqueue(lower);
                }
            }
        }

        return found;
    }
}
