using Auraed.Base;

namespace Auraed.Config;

/// <summary>
/// A strict reader of the part of TOML 1.0 that configuration needs: tables, dotted and quoted keys, basic and literal strings, integers, floats,
/// booleans, arrays, inline tables, comments. Multi-line strings, dates and arrays of tables are refused by name, never guessed at.
/// </summary>
public static class Toml
{
    /// <summary>Reads a whole document. Faults with Invalid and <c>name:line:column</c> on anything that is not understood.</summary>
    public static TomlTable Parse(string text, string name)
    {
        var scanner = new TomlScanner(text, name);
        var root = new TomlTable();
        var current = root;
        while (scanner.SkipToContent())
        {
            if (scanner.Peek == '[')
            {
                current = OpenTable(scanner, root);
            }
            else
            {
                ReadPair(scanner, current);
            }

            scanner.ExpectEndOfLine();
        }

        return root;
    }

    /// <summary>Reads a file; a file that is missing or unreadable is a fault, too.</summary>
    public static TomlTable ParseFile(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new Fault(FaultKind.NotFound, $"configuration file {path} does not exist", cause: error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Invalid, $"configuration file {path} cannot be read: {error.Message}", cause: error);
        }

        return Parse(text, path);
    }

    private static TomlTable OpenTable(TomlScanner scanner, TomlTable root)
    {
        var start = scanner.Position;
        scanner.Take('[');
        if (scanner.Peek == '[')
        {
            throw scanner.Error("arrays of tables ([[...]]) are not taken here", start);
        }

        var path = scanner.ReadKey();
        scanner.SkipBlanks();
        scanner.Take(']');
        var table = root;
        foreach (var key in path)
        {
            table = Descend(scanner, table, key, start);
        }

        if (table.IsClosed)
        {
            throw scanner.Error($"table [{string.Join('.', path)}] is given twice", start);
        }

        table.IsClosed = true;
        return table;
    }

    private static void ReadPair(TomlScanner scanner, TomlTable into)
    {
        var start = scanner.Position;
        var path = scanner.ReadKey();
        scanner.SkipBlanks();
        scanner.Take('=');
        scanner.SkipBlanks();
        var table = into;
        foreach (var key in path.Take(path.Count - 1))
        {
            table = Descend(scanner, table, key, start);
        }

        var value = ReadValue(scanner, 0);
        if (!table.TryAdd(path[^1], value))
        {
            throw scanner.Error($"key {string.Join('.', path)} is given twice", start);
        }
    }

    private static TomlTable Descend(TomlScanner scanner, TomlTable table, string key, TomlPosition at)
    {
        var found = table.Find(key);
        if (found is null)
        {
            found = new TomlValue(TomlKind.Table, new TomlTable(), at);
            table.TryAdd(key, found);
        }

        return found.Kind == TomlKind.Table ? found.Table : throw scanner.Error($"{key} is a value already and cannot be a table", at);
    }

    private static TomlValue ReadValue(TomlScanner scanner, int depth)
    {
        if (depth > Limits.ConfigDepthMax)
        {
            throw scanner.Error($"values are nested deeper than {Limits.ConfigDepthMax}", scanner.Position);
        }

        return scanner.Peek switch
        {
            '"' or '\'' => scanner.ReadText(),
            '[' => ReadArray(scanner, depth),
            '{' => ReadInlineTable(scanner, depth),
            _ => scanner.ReadBare(),
        };
    }

    private static TomlValue ReadArray(TomlScanner scanner, int depth)
    {
        var start = scanner.Position;
        var values = new List<TomlValue>();
        scanner.Take('[');
        while (true)
        {
            scanner.SkipToContent();
            if (scanner.Peek == ']')
            {
                break;
            }

            values.Add(ReadValue(scanner, depth + 1));
            scanner.SkipToContent();
            if (scanner.Peek != ',')
            {
                break;
            }

            scanner.Take(',');
        }

        scanner.Take(']');
        return new TomlValue(TomlKind.Array, values, start);
    }

    private static TomlValue ReadInlineTable(TomlScanner scanner, int depth)
    {
        var start = scanner.Position;
        var table = new TomlTable { IsClosed = true };
        scanner.Take('{');
        scanner.SkipBlanks();
        while (scanner.Peek != '}')
        {
            var at = scanner.Position;
            var path = scanner.ReadKey();
            scanner.SkipBlanks();
            scanner.Take('=');
            scanner.SkipBlanks();
            if (path.Count != 1 || !table.TryAdd(path[0], ReadValue(scanner, depth + 1)))
            {
                throw scanner.Error($"key {string.Join('.', path)} is given twice or is dotted inside an inline table", at);
            }

            scanner.SkipBlanks();
            if (scanner.Peek != ',')
            {
                break;
            }

            scanner.Take(',');
            scanner.SkipBlanks();
        }

        scanner.Take('}');
        return new TomlValue(TomlKind.Table, table, start);
    }
}
