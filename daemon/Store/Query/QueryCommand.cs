using Aurae.Query.V0;

namespace Auraed.Store.Query;

/// <summary>A query whose request has been checked: every bound is set and within its limit.</summary>
public sealed class QueryCommand
{
    public required string Tenant { get; init; }

    public required string Sql { get; init; }

    /// <summary>By name without its first character.</summary>
    public IReadOnlyDictionary<string, Value> Parameters { get; init; } = new Dictionary<string, Value>();

    public required long RowsMax { get; init; }

    public required long BytesMax { get; init; }

    public required int BatchRowsMax { get; init; }

    public bool FailWhenTruncated { get; init; }

    public bool MayUseCache { get; init; } = true;

    /// <summary>How long it may take, the reader's time included.</summary>
    public required TimeSpan Time { get; init; }
}
