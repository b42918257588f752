using Aurae.Schema;
using Auraed.Domain.Events;
using Auraed.Store.Records;
using Google.Protobuf;

namespace Auraed.Domain.Records;

/// <summary>Who asks, for whose records, and under which request id.</summary>
/// <param name="RequestId">Null when the request may not be told from its repetition.</param>
/// <param name="Digest">Of the request without its id; tells a repetition from another request under the same id.</param>
public sealed record RecordCall(string Tenant, string Principal, string? RequestId = null, byte[]? Digest = null)
{
    /// <summary>The daemon's own bookkeeping, which a read-only tenant does not hold up.</summary>
    public bool IsDaemon { get; init; }
}

/// <summary>A record as a request gives it, parsed and within its limits.</summary>
public sealed class RecordDraft
{
    public required RecordTable Table { get; init; }

    /// <summary>Never empty: given, or made.</summary>
    public required string Name { get; init; }

    public required IMessage Body { get; init; }

    /// <summary>The body's bytes as they came, when they say what <see cref="Body"/> says; null to encode it again.</summary>
    public ByteString? Encoded { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = LabelText.None;

    /// <summary>The revision that the caller has seen; 0 does not ask.</summary>
    public long Revision { get; init; }
}

/// <summary>One step of a commit.</summary>
public abstract record RecordOperation;

public sealed record RecordCreate(RecordDraft Draft) : RecordOperation;

/// <param name="Mask">Null: the body is replaced whole, and the labels when any is given.</param>
public sealed record RecordUpdate(RecordDraft Draft, RecordMask? Mask, bool AllowMissing) : RecordOperation;

public sealed record RecordDelete(RecordTable Table, string Name, long Revision, bool AllowMissing) : RecordOperation;

/// <param name="Amount">A long or a double, as are the bounds; null for none.</param>
public sealed record RecordAdd(RecordTable Table, string Name, string[] Path, object Amount, object? Minimum, object? Maximum) : RecordOperation;

public sealed record RecordRead(RecordTable Table, string Name) : RecordOperation;

/// <summary>Settles events of a cursor.</summary>
public sealed record CursorAcknowledge(LeasedEvents Events) : RecordOperation;

/// <summary>Appends an application's event.</summary>
public sealed record EventAppend(EventDraft Draft) : RecordOperation;

/// <summary>What must hold of one record.</summary>
/// <param name="Exists">Null does not ask.</param>
/// <param name="Revision">0 does not ask.</param>
/// <param name="Filter">Null does not ask.</param>
public sealed record RecordCondition(RecordTable Table, string Name, bool? Exists, long Revision, FilterNode? Filter, string Said);
