using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.EventLog;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Events;

/// <summary>From requests to commands that cannot be wrong; what is wrong is a Fault(Invalid) that names the field.</summary>
internal static class EventRequests
{
    private const string AllTenants = "*";
    private const string AnyEnd = ".*";

    /// <summary>Beyond these the nanoseconds since 1970 do not fit 64 bits.</summary>
    private const long TimeSecondsMax = long.MaxValue / 1_000_000_000;

    public static EventReadRequest Read(ReadEventsRequest request)
    {
        var from = new EventPlace(
            request.FromCase == ReadEventsRequest.FromOneofCase.FromSequence ? Sequence(request.FromSequence, "from_sequence", 1) : null,
            request.FromCase == ReadEventsRequest.FromOneofCase.FromTime ? Time(request.FromTime, "from_time") : null);
        var to = new EventPlace(
            request.ToCase == ReadEventsRequest.ToOneofCase.ToSequence ? Sequence(request.ToSequence, "to_sequence", 1) : null,
            request.ToCase == ReadEventsRequest.ToOneofCase.ToTime ? Time(request.ToTime, "to_time") : null);
        if (from.Sequence > to.Sequence || from.Time > to.Time)
        {
            throw Fault.Invalid("to", "the range ends before it begins; newest_first turns the direction");
        }

        long limit = Sequence(request.Limit, "limit", 0);
        return new EventReadRequest(Selection(request.Filter), from, to, request.NewestFirst, limit == 0 ? long.MaxValue : limit);
    }

    public static EventWatchRequest Watch(WatchEventsRequest request)
    {
        TimeSpan interval = Limits.WatchProgressIntervalDefault;
        if (request.ProgressInterval is { } wanted)
        {
            bool isSound = wanted.Seconds is >= 0 and <= 86_400 && wanted.Nanos is >= 0 and < 1_000_000_000;
            interval = isSound ? wanted.ToTimeSpan() : throw Fault.Invalid("progress_interval", "progress_interval is not between 0 and a day");
        }

        return new EventWatchRequest(
            Selection(request.Filter),
            request.StartCase == WatchEventsRequest.StartOneofCase.After ? Sequence(request.After, "after", 0) : null,
            request.StartCase == WatchEventsRequest.StartOneofCase.Since ? Time(request.Since, "since") : null,
            interval < Limits.WatchProgressIntervalMin ? Limits.WatchProgressIntervalMin : interval);
    }

    public static EventSelection Selection(EventFilter? filter, string field = "filter")
    {
        filter ??= new EventFilter();
        if (filter.Kinds.Count > Limits.EventKindsCountMax)
        {
            throw Fault.Invalid(field + ".kinds", $"{field}.kinds has {filter.Kinds.Count} entries, at most {Limits.EventKindsCountMax}");
        }

        var (kinds, beginnings) = (new List<string>(), new List<string>());
        for (int index = 0; index < filter.Kinds.Count; index++)
        {
            string kind = filter.Kinds[index];
            bool isBeginning = kind.EndsWith(AnyEnd, StringComparison.Ordinal);
            string plain = isBeginning ? kind[..^AnyEnd.Length] : kind;
            if (plain.Length == 0 || kind.Length > Limits.EventKindCharactersMax || plain.Contains('*', StringComparison.Ordinal))
            {
                throw Fault.Invalid(
                    $"{field}.kinds[{index}]", $"{field}.kinds[{index}] is no kind: at most {Limits.EventKindCharactersMax} characters, with a '*' only after the last dot", "write virtual_machine.created or virtual_machine.*");
            }

            (isBeginning ? beginnings : kinds).Add(isBeginning ? plain + '.' : kind);
        }

        return new EventSelection(
            filter.Tenant == AllTenants ? null : RecordNames.Tenant(filter.Tenant, field + ".tenant"),
            filter.Subject.Length == 0 ? null : RecordNames.Name(filter.Subject, field + ".subject"),
            kinds,
            beginnings);
    }

    public static long Sequence(long value, string field, long least) => value >= least ? value : throw Fault.Invalid(field, $"{field} is less than {least}");

    public static long Time(Timestamp time, string field)
    {
        bool isSound = time.Seconds is > -TimeSecondsMax and < TimeSecondsMax && time.Nanos is >= 0 and < 1_000_000_000;
        return isSound ? (time.Seconds * 1_000_000_000) + time.Nanos : throw Fault.Invalid(field, $"{field} is no time between the years 1677 and 2262");
    }
}
