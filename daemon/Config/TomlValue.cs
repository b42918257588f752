using System.Globalization;

namespace Auraed.Config;

/// <summary>The kinds of value that the reader takes. Dates and times are the kinds of TOML that it refuses.</summary>
public enum TomlKind
{
    Text,
    Integer,
    Real,
    Boolean,
    Array,
    Table,
}

/// <summary>Where a value or a key stands in its file; both count from 1.</summary>
public readonly record struct TomlPosition(int Line, int Column);

/// <summary>One value with its place in the file, so that a later check can point at it.</summary>
public sealed class TomlValue
{
    private readonly object _value;

    internal TomlValue(TomlKind kind, object value, TomlPosition position)
    {
        Kind = kind;
        Position = position;
        _value = value;
    }

    public TomlKind Kind { get; }

    public TomlPosition Position { get; }

    /// <summary>The text of a <see cref="TomlKind.Text"/>.</summary>
    public string Text => (string)_value;

    public long Integer => (long)_value;

    public double Real => (double)_value;

    public bool Boolean => (bool)_value;

    public IReadOnlyList<TomlValue> Array => (List<TomlValue>)_value;

    public TomlTable Table => (TomlTable)_value;

    /// <summary>A scalar as it would be typed on a command line; null for an array and a table.</summary>
    public string? Scalar => Kind switch
    {
        TomlKind.Text => Text,
        TomlKind.Integer => Integer.ToString(CultureInfo.InvariantCulture),
        TomlKind.Real => Real.ToString(CultureInfo.InvariantCulture),
        TomlKind.Boolean => Boolean ? "true" : "false",
        TomlKind.Array => null,
        TomlKind.Table => null,
    };
}

/// <summary>Keys in the order of the file. A key is defined once.</summary>
public sealed class TomlTable
{
    private readonly Dictionary<string, TomlValue> _values = new(StringComparer.Ordinal);

    /// <summary>True once a header or an inline table has given the table its keys; it is not opened a second time.</summary>
    internal bool IsClosed { get; set; }

    public int Count => _values.Count;

    public IEnumerable<KeyValuePair<string, TomlValue>> Entries => _values;

    public TomlValue? Find(string key) => _values.GetValueOrDefault(key);

    /// <summary>The value at a dotted path, as <c>auth.ca_crt</c>; null when a step is missing.</summary>
    public TomlValue? FindPath(string path)
    {
        var table = this;
        var steps = path.Split('.');
        for (var step = 0; ; step++)
        {
            var value = table.Find(steps[step]);
            if (value is null || step == steps.Length - 1)
            {
                return value;
            }

            if (value.Kind != TomlKind.Table)
            {
                return null;
            }

            table = value.Table;
        }
    }

    /// <summary>Every value that is not a table, with its dotted path.</summary>
    public IEnumerable<KeyValuePair<string, TomlValue>> Leaves()
    {
        foreach (var (key, value) in _values)
        {
            if (value.Kind != TomlKind.Table)
            {
                yield return new(key, value);
                continue;
            }

            foreach (var (inner, leaf) in value.Table.Leaves())
            {
                yield return new(key + "." + inner, leaf);
            }
        }
    }

    internal bool TryAdd(string key, TomlValue value) => _values.TryAdd(key, value);
}
