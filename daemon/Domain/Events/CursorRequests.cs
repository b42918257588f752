using System.Text;
using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Events;

/// <summary>From requests about cursors to commands that cannot be wrong; what is wrong is a Fault(Invalid) that names the field.</summary>
internal static class CursorRequests
{
    public static CursorName Name(string tenant, string name, string field = "name") => new(RecordNames.Tenant(tenant), RecordNames.Name(name, field));

    public static CursorDraft Create(CreateCursorRequest request)
    {
        Cursor cursor = request.Cursor ?? throw Fault.Invalid("cursor", "cursor is required");
        var name = new CursorName(RecordNames.Tenant(cursor.Tenant, "cursor.tenant"), RecordNames.Name(cursor.Name, "cursor.name"));
        EventFilter filter = cursor.Filter?.Clone() ?? new EventFilter();
        filter.Tenant = filter.Tenant.Length == 0 ? name.Tenant : filter.Tenant;
        _ = EventRequests.Selection(filter, "cursor.filter");
        return new CursorDraft(
            name,
            filter,
            LeaseTime(cursor.LeaseTime, "cursor.lease_time") ?? Limits.CursorLeaseDefault,
            Count(cursor.InFlightMax, Limits.CursorInFlightDefault, Limits.CursorInFlightMax, "cursor.in_flight_max"),
            Count(cursor.DeliveriesMax, Limits.CursorDeliveriesDefault, Limits.CursorDeliveriesMax, "cursor.deliveries_max"),
            Place(request.Start));
    }

    public static CursorPlace Place(CursorStart? start) => start?.StartCase switch
    {
        CursorStart.StartOneofCase.After => new CursorPlace(EventRequests.Sequence(start.After, "start.after", 0), null),
        CursorStart.StartOneofCase.Since => new CursorPlace(null, EventRequests.Time(start.Since, "start.since")),
        _ => default,
    };

    public static CursorPull Pull(PullRequest request, string principal)
    {
        if (Encoding.UTF8.GetByteCount(request.Consumer) > Limits.CursorConsumerBytesMax || request.Consumer.Any(char.IsControl))
        {
            throw Fault.Invalid("consumer", $"consumer is longer than {Limits.CursorConsumerBytesMax} bytes or holds a control character");
        }

        return new CursorPull(
            Name(request.Tenant, request.Name),
            Count(request.EventsMax, Limits.CursorPullEventsDefault, Limits.CursorPullEventsMax, "events_max"),
            Span(request.Wait, TimeSpan.Zero, Limits.CursorWaitMax, "wait") ?? TimeSpan.Zero,
            LeaseTime(request.LeaseTime, "lease_time"),
            request.Consumer.Length == 0 ? principal : request.Consumer);
    }

    public static LeasedEvents Leased(Leased? leased, string field)
    {
        if (leased is null)
        {
            throw Fault.Invalid(field, $"{field} is required");
        }

        return new LeasedEvents(
            RecordNames.Name(leased.Cursor, field + ".cursor"),
            LeaseName.TryParse(leased.Lease, out LeaseName lease) ? lease : throw Fault.Invalid(field + ".lease", $"{field}.lease is none that a pull answers"),
            Sequences(leased.Sequences, field + ".sequences"));
    }

    public static IReadOnlyList<long> Sequences(IReadOnlyCollection<long> sequences, string field)
    {
        if (sequences.Count > Limits.CursorPullEventsMax)
        {
            throw Fault.Invalid(field, $"{field} has {sequences.Count} entries, at most {Limits.CursorPullEventsMax}");
        }

        return [.. sequences.Select(sequence => EventRequests.Sequence(sequence, field, 1)).Distinct()];
    }

    public static TimeSpan? LeaseTime(Duration? wanted, string field) => Span(wanted, Limits.CursorLeaseMin, Limits.CursorLeaseMax, field);

    public static TimeSpan Delay(Duration? wanted) => Span(wanted, TimeSpan.Zero, Limits.CursorLeaseMax, "delay") ?? TimeSpan.Zero;

    private static TimeSpan? Span(Duration? wanted, TimeSpan least, TimeSpan most, string field)
    {
        if (wanted is null)
        {
            return null;
        }

        bool isSound = wanted.Seconds >= 0 && wanted.Seconds <= most.TotalSeconds && wanted.Nanos is >= 0 and < 1_000_000_000;
        return isSound && wanted.ToTimeSpan() is var span && span >= least && span <= most
            ? span
            : throw Fault.Invalid(field, $"{field} is not from {least.TotalSeconds} s to {most.TotalSeconds} s");
    }

    private static int Count(int wanted, int byDefault, int most, string field)
    {
        if (wanted < 0 || wanted > most)
        {
            throw Fault.Invalid(field, $"{field} is not from 0 to {most}");
        }

        return wanted == 0 ? byDefault : wanted;
    }
}
