using System.Buffers;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>
/// The name of an index within a store: letters, digits, dot, dash and underscore, not beginning with a dot, ending in .caibx (or .caidx, casync's archive of
/// a directory). No name leads out of its directory, needs quoting in a URL, or can be taken for an option.
/// </summary>
public readonly record struct IndexName
{
    public const string Extension = ".caibx";
    public const string ArchiveExtension = ".caidx";

    private static readonly SearchValues<char> Allowed = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    private readonly string? _text;

    private IndexName(string text) => _text = text;

    public static bool TryParse(string text, out IndexName name)
    {
        var isName = text.Length <= Limits.IndexNameCharactersMax && text.Length > Extension.Length && text[0] is not ('.' or '-')
            && (text.EndsWith(Extension, StringComparison.Ordinal) || text.EndsWith(ArchiveExtension, StringComparison.Ordinal))
            && !text.AsSpan().ContainsAnyExcept(Allowed);
        name = isName ? new IndexName(text) : default;
        return isName;
    }

    /// <summary>Fault(Invalid) names <paramref name="field"/>.</summary>
    public static IndexName Parse(string text, string field) =>
        TryParse(text, out var name) ? name : throw Fault.Invalid(
            field, $"{field} '{text}' is no index name", $"letters, digits, '.', '-' and '_', at most {Limits.IndexNameCharactersMax}, ending in {Extension}");

    public override string ToString() => _text ?? throw new InvalidOperationException("no name");
}
