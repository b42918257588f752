using System.Globalization;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Events;

namespace Auraed.Domain.Events;

/// <summary>Appends an application's events within one unit of work. Invariant: what it appended itself is not what a later expectation is held against.</summary>
internal sealed class EventStreams
{
    private readonly Dictionary<string, long> _before = new(StringComparer.Ordinal);

    /// <summary>The event's sequence. Fault(Precondition) when the stream is not where it is expected.</summary>
    public long Append(WriteUnit unit, RecordCall call, EventDraft draft)
    {
        long last = Before(unit, call.Tenant, draft.Subject);
        if (draft.Expected is { } expected)
        {
            Check(draft.Subject, expected, last);
        }

        long sequence = unit.Events.Append(call.Tenant, call.Principal, call.RequestId, draft.Kind, draft.Subject, draft.Payload);
        CrashPoint.Reach("append.event");
        StreamRows.Advance(unit, call.Tenant, draft.Subject, sequence);
        return sequence;
    }

    private long Before(WriteUnit unit, string tenant, string subject)
    {
        if (!_before.TryGetValue(subject, out long last))
        {
            last = StreamRows.Last(unit, tenant, subject);
            _before.Add(subject, last);
        }

        return last;
    }

    private static void Check(string subject, long expected, long last)
    {
        if (expected != last)
        {
            string actual = last == 0 ? "it has none" : $"it is {last.ToString(CultureInfo.InvariantCulture)}";
            throw new Fault(
                FaultKind.Precondition,
                $"the last event of the stream '{subject}' is expected to be {expected.ToString(CultureInfo.InvariantCulture)}: {actual}",
                "expected_sequence",
                "read what was appended since, and decide anew")
            {
                Reason = "STREAM_MOVED",
                Facts = new Dictionary<string, string> { ["last_sequence"] = last.ToString(CultureInfo.InvariantCulture) },
            };
        }
    }
}
