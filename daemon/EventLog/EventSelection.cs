namespace Auraed.EventLog;

/// <summary>Which events are told. Immutable.</summary>
/// <param name="tenant">Null for all.</param>
/// <param name="subject">Null for all.</param>
/// <param name="kinds">Whole kinds; with <paramref name="beginnings"/> empty too, all.</param>
/// <param name="beginnings">What a kind may begin with.</param>
public sealed class EventSelection(string? tenant, string? subject, IReadOnlyCollection<string> kinds, IReadOnlyCollection<string> beginnings)
{
    private readonly HashSet<string> _kinds = [.. kinds];
    private readonly string[] _beginnings = [.. beginnings];

    public bool Wants(string ofTenant, string kind, string ofSubject) =>
        (tenant is null || tenant == ofTenant) && (subject is null || subject == ofSubject) && WantsKind(kind);

    private bool WantsKind(string kind)
    {
        if (_kinds.Count + _beginnings.Length == 0 || _kinds.Contains(kind))
        {
            return true;
        }

        foreach (string beginning in _beginnings)
        {
            if (kind.StartsWith(beginning, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
