using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Domain.Events;
using Auraed.Store;
using Auraed.Store.Records;
using Google.Protobuf;

namespace Auraed.Domain.Records;

/// <summary>
/// The rules of changing records, inside one unit of work. Each change of a row appends its event in the same unit.
/// Invariants: all changes bear the unit's revision and time; a record's row id is the sequence of the event that created it.
/// </summary>
public sealed class RecordWriter
{
    private static readonly FrozenDictionary<string, (string Created, string Updated, string Deleted)> Kinds = Tables.All.ToFrozenDictionary(
        table => table.Name, table => (table.Name + ".created", table.Name + ".updated", table.Name + ".deleted"));

    private readonly WriteUnit _unit;
    private readonly RecordRows _rows;
    private readonly RecordCall _call;
    private readonly TenantLimits _limits;
    private readonly EventStreams _streams = new();
    private long _sequence;

    public RecordWriter(WriteUnit unit, RecordCall call)
    {
        _unit = unit;
        _rows = new RecordRows(unit);
        _call = call;
        _limits = new TenantLimits(unit, _rows, call.Tenant, call.IsDaemon);
        _sequence = unit.Revision;
    }

    /// <summary>Of everything written here; 0 while nothing is.</summary>
    public long Revision => _sequence == _unit.Revision ? 0 : _unit.Revision;

    /// <summary>Records deleted so far, those that reference rules took along included.</summary>
    public int Deleted { get; private set; }

    public StoredRecord? Find(RecordTable table, string name) => _rows.Find(table, _call.Tenant, name);

    public OperationResult Apply(RecordOperation operation)
    {
        switch (operation)
        {
            case EventAppend append:
                return new OperationResult { Sequence = Append(append.Draft) };
            case CursorAcknowledge acknowledge:
                _ = CursorLeases.Acknowledge(_unit, _call.Tenant, acknowledge.Events, isStrict: true);
                return new OperationResult();
            default:
                return new OperationResult { Record = ApplyToRecord(operation) };
        }
    }

    /// <summary>Fault(Precondition) when the tenant is read-only: for what is done ahead of the first change, and would be in vain.</summary>
    public void RequireWritable() => _limits.RequireWritable();

    /// <summary>Appends an application's event and returns its sequence.</summary>
    public long Append(EventDraft draft)
    {
        _limits.RequireWritable();
        long sequence = _streams.Append(_unit, _call, draft);
        Invariant.Hold(sequence == _sequence);
        _sequence++;
        return sequence;
    }

    /// <summary>Appends an event of the daemon's that tells of no record.</summary>
    public void Tell(string kind, string subject, IMessage payload)
    {
        long sequence = _unit.Events.Append(_call.Tenant, _call.Principal, _call.RequestId, kind, subject, payload.ToByteArray());
        Invariant.Hold(sequence == _sequence);
        _sequence++;
    }

    /// <summary>The record after the operation; for a delete, as it was; null when there was none.</summary>
    private Record? ApplyToRecord(RecordOperation operation) => operation switch
    {
        RecordCreate create => Create(create.Draft),
        RecordUpdate update => Update(update),
        RecordDelete delete => Delete(delete),
        RecordAdd add => Add(add),
        RecordRead read => Find(read.Table, read.Name) is { } found ? RecordMessages.ToMessage(found) : null,
        _ => throw new ArgumentException($"an operation of type {operation.GetType()}", nameof(operation)),
    };

    public bool Holds(RecordCondition condition, string field)
    {
        if (condition.Filter is not null)
        {
            return _rows.Matches(condition.Table, _call.Tenant, condition.Name, condition.Filter, field);
        }

        return condition.Revision == 0
            ? _rows.Exists(condition.Table, _call.Tenant, condition.Name) == condition.Exists
            : Find(condition.Table, condition.Name)?.Revision == condition.Revision;
    }

    public Record Create(RecordDraft draft)
    {
        _limits.RequireWritable(draft.Table);
        Check(draft.Table, draft.Body);
        var stored = new StoredRecord
        {
            Table = draft.Table,
            RowId = _sequence,
            Tenant = _call.Tenant,
            Name = draft.Name,
            Revision = _unit.Revision,
            CreateTime = _unit.Now,
            UpdateTime = _unit.Now,
            Labels = draft.Labels,
            Body = draft.Body,
        };
        if (!_rows.Insert(stored))
        {
            throw new Fault(FaultKind.AlreadyExists, $"{draft.Table.Name} '{draft.Name}' of tenant '{_call.Tenant}' exists", "record.name") { Reason = "RECORD_EXISTS" };
        }

        _limits.Created(draft.Table, draft.Name);
        Record record = RecordMessages.ToMessage(stored, draft.Encoded);
        Append(Kinds[draft.Table.Name].Created, draft.Name, new RecordEvent { After = record });
        return record;
    }

    public Record Update(RecordUpdate update)
    {
        RecordDraft draft = update.Draft;
        StoredRecord? current = Find(draft.Table, draft.Name);
        if (current is null)
        {
            return update.AllowMissing && draft.Revision == 0 ? Create(draft) : throw NotFound(draft.Table, draft.Name);
        }

        CheckRevision(current, draft.Revision);
        IMessage body = update.Mask is null ? draft.Body : update.Mask.Body(draft.Body, current.Body);
        draft.Table.SetKey(body, draft.Name);
        IReadOnlyDictionary<string, string> labels = update.Mask is null
            ? (draft.Labels.Count > 0 ? draft.Labels : current.Labels)
            : update.Mask.Labels(draft.Labels, current.Labels);
        if (labels.Count > Limits.LabelsCountMax)
        {
            throw Fault.Invalid("record.labels", $"record.labels: {labels.Count} labels, at most {Limits.LabelsCountMax}");
        }

        return Replace(current, body, labels);
    }

    public Record? Delete(RecordDelete delete)
    {
        StoredRecord? current = Find(delete.Table, delete.Name);
        if (current is null)
        {
            return delete.AllowMissing ? null : throw NotFound(delete.Table, delete.Name);
        }

        CheckRevision(current, delete.Revision);
        return Remove(current);
    }

    private Record Add(RecordAdd add)
    {
        StoredRecord current = Find(add.Table, add.Name) ?? throw NotFound(add.Table, add.Name);
        IMessage body = RecordMask.Clone(current.Body);
        RecordSum.Add(body, add);
        if (body.Descriptor.FindFieldByName(add.Path[0])?.Name == add.Table.Key.Name)
        {
            throw Fault.Invalid("path", $"path: '{add.Path[0]}' is the record's name");
        }

        return Replace(current, body, current.Labels);
    }

    private Record Replace(StoredRecord current, IMessage body, IReadOnlyDictionary<string, string> labels)
    {
        _limits.RequireWritable(current.Table);
        CheckImmutable(current, body);
        Check(current.Table, body);
        var stored = new StoredRecord
        {
            Table = current.Table,
            RowId = current.RowId,
            Tenant = current.Tenant,
            Name = current.Name,
            Revision = _unit.Revision,
            CreateTime = current.CreateTime,
            UpdateTime = _unit.Now,
            Labels = labels,
            Body = body,
        };
        _rows.Update(stored);
        _limits.Changed(stored.Table, stored.Name);
        Record record = RecordMessages.ToMessage(stored);
        if (record.Body.Value.Length > Limits.RecordBytesMax)
        {
            throw Fault.Invalid("record.body", $"the record would have {record.Body.Value.Length} bytes, at most {Limits.RecordBytesMax}");
        }

        var change = new RecordEvent { After = record, PreviousRevision = current.Revision };
        if (!ReferenceEquals(labels, current.Labels) && LabelText.Write(labels) != LabelText.Write(current.Labels))
        {
            change.LabelsChanged = true;
            foreach ((string key, string value) in current.Labels)
            {
                change.PreviousLabels.Add(key, value);
            }
        }

        Append(Kinds[current.Table.Name].Updated, current.Name, change);
        return record;
    }

    /// <summary>Deletes a record after those that go with it, each with its event.</summary>
    private Record Remove(StoredRecord current)
    {
        _limits.RequireWritable(current.Table);
        foreach (Referrer referrer in References.To(current.Table))
        {
            int countMax = referrer.Reference.OnDelete == OnDelete.Restrict ? 1 : Limits.CascadeRecordsCountMax + 1 - Deleted;
            foreach (string name in _rows.Referrers(referrer.Table, referrer.Reference, current.Tenant, current.Name, countMax))
            {
                Detach(referrer, name, current);
            }
        }

        if (++Deleted > Limits.CascadeRecordsCountMax)
        {
            throw new Fault(FaultKind.Exhausted, $"the delete takes more than {Limits.CascadeRecordsCountMax} records along", hint: "delete the records that refer to it in parts first");
        }

        _rows.Delete(current);
        _limits.Deleted(current.Table, current.Name);
        Record record = RecordMessages.ToMessage(current);
        Append(Kinds[current.Table.Name].Deleted, current.Name, new RecordEvent { Before = record, PreviousRevision = current.Revision });
        return record;
    }

    private void Detach(Referrer referrer, string name, StoredRecord target)
    {
        switch (referrer.Reference.OnDelete)
        {
            case OnDelete.Restrict:
                throw new Fault(
                    FaultKind.Precondition,
                    $"{target.Table.Name} '{target.Name}' cannot be deleted: {referrer.Table.Name} '{name}' refers to it by {referrer.Field.Name}",
                    hint: $"delete {referrer.Table.Name} '{name}' first, or change its {referrer.Field.Name}")
                { Reason = "REFERRED_TO" };
            case OnDelete.Cascade:
                if (Find(referrer.Table, name) is { } found)
                {
                    _ = Remove(found);
                }

                break;
            case OnDelete.SetNull:
                if (Find(referrer.Table, name) is { } kept)
                {
                    IMessage body = RecordMask.Clone(kept.Body);
                    referrer.Field.Accessor.Clear(body);
                    _ = Replace(kept, body, kept.Labels);
                }

                break;
        }
    }

    private void Check(RecordTable table, IMessage body)
    {
        References.Check(_rows, table, _call.Tenant, body);
        Documents.Check(_rows, _call.Tenant, body);
    }

    private static void CheckImmutable(StoredRecord current, IMessage body)
    {
        foreach (ColumnDescriptor column in current.Table.Columns)
        {
            if (!column.IsImmutable)
            {
                continue;
            }

            var field = current.Table.Message.FindFieldByNumber(column.FieldNumber);
            if (!Equals(field.Accessor.GetValue(current.Body), field.Accessor.GetValue(body)))
            {
                throw Fault.Invalid("record.body." + column.FieldPath, $"{column.FieldPath} of a {current.Table.Name} is fixed at its creation");
            }
        }
    }

    private static void CheckRevision(StoredRecord current, long seen)
    {
        if (seen != 0 && seen != current.Revision)
        {
            throw new Fault(
                FaultKind.Aborted,
                $"{current.Table.Name} '{current.Name}' is at revision {current.Revision.ToString(CultureInfo.InvariantCulture)}, not {seen.ToString(CultureInfo.InvariantCulture)}",
                "record.revision",
                "read it again and repeat the change")
            {
                Reason = "STALE_REVISION",
                Facts = new Dictionary<string, string> { ["current_revision"] = current.Revision.ToString(CultureInfo.InvariantCulture) },
            };
        }
    }

    internal Fault NotFound(RecordTable table, string name) =>
        new(FaultKind.NotFound, $"tenant '{_call.Tenant}' has no {table.Name} '{name}'") { Reason = "RECORD_NOT_FOUND" };

    private void Append(string kind, string subject, RecordEvent content)
    {
        int length = content.CalculateSize();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            content.WriteTo(buffer.AsSpan(0, length));
            long sequence = _unit.Events.Append(_call.Tenant, _call.Principal, _call.RequestId, kind, subject, buffer.AsSpan(0, length));
            Invariant.Hold(sequence == _sequence);
            _sequence++;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
