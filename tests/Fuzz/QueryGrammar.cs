namespace Auraed.Tests.Fuzz;

/// <summary>
/// Statements of SQLite's grammar over the query fixture's tables. A tame one names columns that are there, so that it is answered; a wild one
/// leans towards what is forbidden.
/// </summary>
internal sealed class QueryGrammar
{
    private static readonly Dictionary<string, string[]> Views = new()
    {
        ["machine"] = ["id", "memory", "note", "labels", "revision"],
        ["nic"] = ["id", "machine", "address", "revision"],
        ["machine_disk"] = ["parent", "ordinal", "path"],
        ["machine_text"] = ["id", "note"],
        ["event"] = ["sequence", "kind", "subject", "principal"],
    };

    private static readonly string[] Others =
        ["vault", "machine_fts", "machine_fts_data", "sqlite_schema", "sqlite_temp_master", "meta", "schema_version", "dbstat", "pragma_table_list", "json_each('[1,2]')"];

    private static readonly string[] Names = [.. Views.Keys];
    private static readonly string[] Columns = ["id", "note", "tenant", "row_id", "parent", "path", "machine", "rowid", "password", "text", "name", "sql", "*"];
    private static readonly string[] Tame = ["max", "min", "group_concat", "length", "hex", "lower", "json_group_array", "typeof", "quote", "count"];
    private static readonly string[] Wild = ["load_extension", "snippet", "bm25", "readfile", "changes", "caller_tenant"];

    private readonly Random _random;
    private readonly int _wildness;
    private readonly Stack<List<(string Alias, string[] Columns)>> _scopes = new();
    private int _aliases;

    /// <param name="random">Decides everything.</param>
    public QueryGrammar(Random random)
    {
        _random = random;
        _wildness = random.Next(3) switch { 0 => 0, 1 => 4, _ => 15 };
    }

    public string Statement()
    {
        var statement = !Goes() ? Select(1 + _random.Next(3)) : _random.Next(4) switch
        {
            0 => $"DELETE FROM {Table(Pick(Names))}",
            1 => $"UPDATE {Table(Pick(Names))} SET {Pick(Columns)} = 1 RETURNING *",
            2 => $"{Select(1)}; {Select(1)}",
            _ => $"INSERT INTO {Table(Pick(Names))} {Select(1)}",
        };
        return Goes() ? Damage(statement) : statement;
    }

    private bool Goes() => _random.Next(100) < _wildness;

    /// <summary>A select of so many columns c0, c1...</summary>
    private string Select(int columns)
    {
        if (_scopes.Count >= 3)
        {
            return "SELECT " + string.Join(", ", Enumerable.Range(0, columns).Select(column => $"{column} AS c{column}"));
        }

        _scopes.Push([]);
        var with = "";
        var from = From();
        if (_random.Next(4) == 0)
        {
            // Bears the name of a view, of a schema or of nothing.
            var name = Pick([.. Names, "main", "temp", "records", "x"]);
            with = $"WITH {Pick("", "RECURSIVE ")}{Quote(name)} AS {Pick("", "MATERIALIZED ", "NOT MATERIALIZED ")}({Select(2)}) ";
            from += $", {Quote(name)} AS w{++_aliases}";
            _scopes.Peek().Add(($"w{_aliases}", ["c0", "c1"]));
        }

        var list = string.Join(", ", Enumerable.Range(0, columns).Select(column => $"{Expression(true)} AS c{column}"));
        var text = $"{with}SELECT {Pick("", "", "DISTINCT ")}{list}{Space()}FROM {from}";
        text += _random.Next(2) == 0 ? $" WHERE {Expression(false)} {Pick("=", "<>", ">", "IS NOT", "LIKE", "IN")} ({(_random.Next(3) == 0 ? Select(1) : Expression(false))})" : "";
        text += _random.Next(4) == 0 ? $" GROUP BY {Expression(false)} HAVING count(*) > 0" : "";
        text += _random.Next(5) == 0 ? $" {Pick("UNION", "UNION ALL", "EXCEPT", "INTERSECT")} {Core(columns)}" : "";
        _scopes.Pop();
        return text + $" ORDER BY {string.Join(", ", Enumerable.Range(1, columns))} LIMIT {_random.Next(1, 30)}";
    }

    private string Core(int columns)
    {
        _scopes.Push([]);
        var from = From();
        var text = $"SELECT {string.Join(", ", Enumerable.Range(0, columns).Select(_ => Expression(true)))} FROM {from}";
        _scopes.Pop();
        return text;
    }

    private string From()
    {
        var text = Source();
        while (_random.Next(3) == 0)
        {
            var join = Pick(", ", " JOIN ", " LEFT JOIN ", " NATURAL JOIN ", " NATURAL FULL JOIN ", " CROSS JOIN ", " FULL JOIN ", " RIGHT JOIN ");
            text += join + Source();
            text += join.Length > 2 && !join.Contains("NATURAL", StringComparison.Ordinal) && _random.Next(3) == 0 ? $" USING ({Pick(Goes() ? Columns : ["id"])})" : "";
        }

        return text;
    }

    private string Source()
    {
        var alias = $"t{++_aliases}";
        if (_random.Next(5) == 0)
        {
            var inner = $"({Select(2)}) AS {alias}";
            _scopes.Peek().Add((alias, ["c0", "c1"]));
            return inner;
        }

        var view = Pick(Names);
        _scopes.Peek().Add((alias, Views[view]));
        return $"{(Goes() ? Pick(Others) : Table(view))} AS {alias}";
    }

    private string Table(string name) => _random.Next(6) switch
    {
        0 => Quote(Case("temp")) + "." + Quote(name),
        1 when Goes() => Quote(Case("main")) + Space() + "." + Quote(name),
        _ => Quote(name),
    };

    private string Expression(bool mayAggregate) => _random.Next(10) switch
    {
        0 when mayAggregate => $"{(Goes() ? Pick(Wild) : Pick(Tame))}({Column()})",
        1 => $"({Select(1)})",
        2 => $"EXISTS ({Select(1)})",
        3 when mayAggregate => $"count(*) OVER (ORDER BY {Column()})",
        4 => Pick("1", "'kernel'", "NULL", "3.5"),
        5 => $"coalesce({Column()}, {Column()})",
        6 => $"(SELECT json_group_array({Column()}))",
        7 when mayAggregate => "count(*)",
        _ => Column(),
    };

    private string Column()
    {
        if (Goes() || _scopes.Count == 0)
        {
            return Pick(Columns);
        }

        // Of this statement or, correlated, of one around it.
        var scope = _scopes.ElementAt(_random.Next(4) == 0 ? _random.Next(_scopes.Count) : 0);
        if (scope.Count == 0)
        {
            return "1";
        }

        var (alias, columns) = scope[_random.Next(scope.Count)];
        return $"{alias}.{Pick(columns)}";
    }

    /// <summary>One edit of the text: a character more, less or another, or a part twice.</summary>
    private string Damage(string text)
    {
        var at = _random.Next(text.Length);
        return _random.Next(4) switch
        {
            0 => text.Remove(at, 1),
            1 => text.Insert(at, Pick("'", "\"", "--", "/*", "(", ")", ";", "main.", ".", " ")),
            2 => text[..at] + text[_random.Next(text.Length)..],
            _ => text.Insert(at, text[.._random.Next(Math.Min(20, text.Length))]),
        };
    }

    private string Quote(string name) => _random.Next(6) switch
    {
        0 => $"\"{name}\"",
        1 => $"[{name}]",
        2 => $"`{name}`",
        3 => Case(name),
        _ => name,
    };

    private string Case(string name) => _random.Next(2) == 0 ? name.ToUpperInvariant() : name;

    private string Space() => Pick(" ", "\n", "/* x */", " -- y\n ");

    private string Pick(params string[] from) => from[_random.Next(from.Length)];
}
