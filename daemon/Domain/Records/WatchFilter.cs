using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Store.Records;

namespace Auraed.Domain.Records;

/// <summary>Which events one watch is told of, and as what.</summary>
/// <param name="sent">Records of the initial state that already carry later changes, with the revision that they had.</param>
internal sealed class WatchFilter(RecordWatchRequest request, Dictionary<(string Table, string Name), long> sent)
{
    private readonly HashSet<string> _tables = [.. (request.Types.Count > 0 ? request.Types : Tables.All).Select(table => table.Name)];

    /// <summary>By what stands outside the payload.</summary>
    public bool Wants(string kind, string subject)
    {
        int dot = kind.LastIndexOf('.');
        return dot > 0 && (request.Name is null || request.Name == subject) && _tables.Contains(kind[..dot]);
    }

    /// <summary>Null when the watch is not told.</summary>
    public RecordChange? Change(EventRow row)
    {
        int dot = row.Kind.LastIndexOf('.');
        if (sent.TryGetValue((row.Kind[..dot], row.Subject), out long known))
        {
            if (row.CommitRevision <= known)
            {
                return null;
            }

            sent.Remove((row.Kind[..dot], row.Subject));
        }

        RecordEvent content = RecordEvent.Parser.ParseFrom(row.Payload);
        ChangeKind? kind = row.Kind[(dot + 1)..] switch
        {
            "created" => Has(content.After.Labels, request.Labels) ? ChangeKind.Created : null,
            "deleted" => Has(content.Before.Labels, request.Labels) ? ChangeKind.Deleted : null,
            "updated" => Updated(content),
            _ => null,
        };
        return kind is null ? null : new RecordChange
        {
            Kind = kind.Value,
            Record = content.After ?? content.Before,
            Sequence = row.Sequence,
            Principal = row.Principal,
            Time = RecordMessages.Time(row.Time),
        };
    }

    public static bool Has(IEnumerable<KeyValuePair<string, string>> labels, IReadOnlyDictionary<string, string> wanted) =>
        wanted.Count == 0 || wanted.All(labels.Contains);

    private ChangeKind? Updated(RecordEvent content)
    {
        bool has = Has(content.After.Labels, request.Labels);
        bool had = content.LabelsChanged ? Has(content.PreviousLabels, request.Labels) : has;
        return (had, has) switch
        {
            (_, true) => ChangeKind.Updated,
            (true, false) => ChangeKind.Left,
            (false, false) => null,
        };
    }
}
