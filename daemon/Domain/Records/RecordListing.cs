using Aurae.Schema;
using Auraed.Store.Records;

namespace Auraed.Domain.Records;

/// <summary>A list as it was asked for, parsed.</summary>
public sealed class RecordListing
{
    public required string Tenant { get; init; }

    public required RecordTable Table { get; init; }

    public FilterNode? Filter { get; init; }

    public required string FilterText { get; init; }

    public required RecordOrder Order { get; init; }

    public required string OrderText { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = LabelText.None;

    public required int PageSize { get; init; }

    public required string PageToken { get; init; }

    public RecordMask? Mask { get; init; }

    public RecordIncludes? Includes { get; init; }

    /// <summary>What makes two pages parts of one list.</summary>
    internal byte[] Digest() => PageTokens.Digest(Tenant, Table.Name, FilterText, OrderText, LabelText.Write(Labels) ?? string.Empty);
}
