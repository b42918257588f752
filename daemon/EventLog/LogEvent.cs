using System.Collections.Frozen;
using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Store;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.EventLog;

/// <summary>One event as the message that all who are told of it share; nobody changes it.</summary>
public sealed class LogEvent
{
    private static readonly FrozenSet<string> Tables = Aurae.Schema.Tables.All.Select(table => table.Name).ToFrozenSet(StringComparer.Ordinal);
    private static readonly string RecordEventUrl = "type.googleapis.com/" + RecordEvent.Descriptor.FullName;

    private static readonly FrozenDictionary<string, string> ReportUrls = new Dictionary<string, string>
    {
        ["services.reconciled"] = "type.googleapis.com/" + Aurae.Services.V0.ReconciliationReport.Descriptor.FullName,
        ["cells.reconciled"] = "type.googleapis.com/" + Aurae.Cells.V0.CellReconciliationReport.Descriptor.FullName,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private const string ScrubKinds = "scrub.";
    private static readonly string DamagedUrl = "type.googleapis.com/" + Aurae.Assets.V0.DamagedChunk.Descriptor.FullName;

    private const string CursorKinds = "event_cursor.";
    private static readonly string CursorUrl = "type.googleapis.com/" + Cursor.Descriptor.FullName;

    public LogEvent(StoredEvent stored)
    {
        Bytes = stored.Bytes;
        Message = new Event
        {
            Sequence = stored.Sequence,
            Revision = stored.Revision,
            Time = TimeOf(stored.Time),
            Tenant = stored.Tenant,
            Principal = stored.Principal,
            Kind = stored.Kind,
            Subject = stored.Subject,
            Payload = PayloadOf(stored),
            Hash = UnsafeByteOperations.UnsafeWrap(stored.Hash),
        };
        if (stored.RequestId is { } request)
        {
            Message.RequestId = request;
        }
    }

    public Event Message { get; }

    public int Bytes { get; }

    /// <summary>What an application appends is kept as the encoded Any.</summary>
    private static Any PayloadOf(StoredEvent stored) => ApplicationEvents.IsKind(stored.Kind)
        ? Any.Parser.ParseFrom(stored.Payload)
        : new Any { TypeUrl = TypeUrlOf(stored.Kind), Value = UnsafeByteOperations.UnsafeWrap(stored.Payload) };

    private static string TypeUrlOf(string kind)
    {
        if (kind.StartsWith(CursorKinds, StringComparison.Ordinal))
        {
            return CursorUrl;
        }

        if (ReportUrls.TryGetValue(kind, out string? url))
        {
            return url;
        }

        if (kind.StartsWith(ScrubKinds, StringComparison.Ordinal))
        {
            return DamagedUrl;
        }

        int dot = kind.LastIndexOf('.');
        return dot > 0 && Tables.Contains(kind[..dot]) ? RecordEventUrl : string.Empty;
    }

    private static Timestamp TimeOf(long nanoseconds)
    {
        long seconds = Math.DivRem(nanoseconds, 1_000_000_000, out long rest);
        return rest < 0 ? new Timestamp { Seconds = seconds - 1, Nanos = (int)(rest + 1_000_000_000) } : new Timestamp { Seconds = seconds, Nanos = (int)rest };
    }
}
