using System.Collections.Frozen;
using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Store.Records;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Store.Replay;

/// <summary>
/// Applies events to tables, one after the other. Every record table is folded by its descriptor and its generated code, so that a new type of record needs
/// nothing here. What is not folded from events has no place in the state: requests that were answered, cursors, leases.
/// </summary>
internal sealed class StateFold(Func<string, Statement> prepare)
{
    private const string ApplicationKind = "app.";
    private static readonly FrozenDictionary<string, (RecordTable Table, Change Change)> Changes = Tables.All
        .SelectMany(table => System.Enum.GetValues<Change>().Select(change => (Kind: $"{table.Name}.{change.ToString().ToLowerInvariant()}", Value: (table, change))))
        .ToFrozenDictionary(pair => pair.Kind, pair => pair.Value, StringComparer.Ordinal);

    private readonly RecordRows _rows = new(prepare);

    private enum Change
    {
        Created,
        Updated,
        Deleted,
    }

    /// <summary>Events that changed something.</summary>
    public long Applied { get; private set; }

    /// <summary>Fault(Corrupt) when the event cannot follow those before it.</summary>
    public void Apply(EventView view)
    {
        string kind = view.Kind;
        if (Changes.TryGetValue(kind, out (RecordTable Table, Change Change) found))
        {
            Apply(view, found.Table, found.Change, RecordEvent.Parser.ParseFrom(view.Payload));
            Applied++;
        }
        else if (kind.StartsWith(ApplicationKind, StringComparison.Ordinal))
        {
            Events.StreamRows.Advance(prepare, view.Tenant, view.Subject, view.Sequence);
            Applied++;
        }
    }

    private void Apply(EventView view, RecordTable table, Change change, RecordEvent content)
    {
        (string tenant, string name) = (view.Tenant, view.Subject);
        (long rowId, long revision) = _rows.Place(table, tenant, name);
        if (change == Change.Created ? rowId != 0 : rowId == 0 || revision != content.PreviousRevision)
        {
            string state = rowId == 0 ? "there is none" : $"it is there at revision {revision}";
            throw new Fault(FaultKind.Corrupt, $"event {view.Sequence} ({view.Kind}) cannot follow those before it: of {table.Name} '{name}' of tenant '{tenant}' {state}", hint: "auraed verify") { Reason = "EVENT_OUT_OF_PLACE" };
        }

        StoredRecord record = Record(table, rowId == 0 ? view.Sequence : rowId, tenant, name, change == Change.Deleted ? content.Before : content.After, view.Sequence);
        switch (change)
        {
            case Change.Created:
                Invariant.Hold(_rows.Insert(record));
                break;
            case Change.Updated:
                _rows.Update(record);
                break;
            case Change.Deleted:
                _rows.Delete(record);
                break;
        }
    }

    private static StoredRecord Record(RecordTable table, long rowId, string tenant, string name, Record? state, long sequence)
    {
        if (state?.Body is null || state.Name != name || state.Tenant != tenant)
        {
            throw new Fault(FaultKind.Corrupt, $"event {sequence} does not hold the state of {table.Name} '{name}' that it tells of", hint: "auraed verify") { Reason = "EVENT_OUT_OF_PLACE" };
        }

        return new StoredRecord
        {
            Table = table,
            RowId = rowId,
            Tenant = tenant,
            Name = name,
            Revision = state.Revision,
            CreateTime = Nanoseconds(state.CreateTime),
            UpdateTime = Nanoseconds(state.UpdateTime),
            Labels = state.Labels.ToDictionary(StringComparer.Ordinal),
            Body = table.Parse(state.Body.Value),
        };
    }

    private static long Nanoseconds(Timestamp time) => (time.Seconds * 1_000_000_000) + time.Nanos;
}
