using System.Text.RegularExpressions;
using Auraed.Base;

namespace Auraed.Domain.Cells;

/// <summary>The full name of a cell: DNS labels, upper case allowed, joined by '/'. Upstream drops a label that is none; here it is refused.</summary>
public readonly partial record struct CellName
{
    private const string LabelRule = "^(?=.{1,63}$)(?![-])[a-zA-Z0-9-]+(?<![-])$";
    private readonly string? _text;

    private CellName(string text) => _text = text;

    public string Text => _text ?? string.Empty;

    /// <summary>The first label: operations of one tree take turns by it.</summary>
    public string Root => Text.Split('/')[0];

    public string Leaf => Text[(Text.LastIndexOf('/') + 1)..];

    /// <summary>Those that must exist before it, outermost first.</summary>
    public IEnumerable<string> Ancestors
    {
        get
        {
            for (int slash = Text.IndexOf('/'); slash >= 0; slash = Text.IndexOf('/', slash + 1))
            {
                yield return Text[..slash];
            }
        }
    }

    /// <summary>Slashes around it do not count. Fault(Precondition) in upstream's words.</summary>
    public static CellName Parse(string text, string field)
    {
        if (text.Length == 0)
        {
            throw CellFaults.Required(field);
        }

        string name = text.Trim('/');
        return name.Length <= Limits.RecordNameBytesMax && name.Split('/').All(label => Label().IsMatch(label))
            ? new CellName(name)
            : throw CellFaults.Pattern(field, LabelRule);
    }

    [GeneratedRegex("^(?!-)[a-zA-Z0-9-]{1,63}(?<!-)\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Label();
}
