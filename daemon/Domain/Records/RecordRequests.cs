using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Domain.Events;
using Auraed.Store.Records;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Records;

/// <summary>From requests to commands that cannot be wrong: every limit and every name is checked here, and a fault names the request's field.</summary>
/// <param name="kept">Tables whose changes are refused, because a service of their own makes them; null for none.</param>
public sealed class RecordRequests(RecordIds ids, KeptTables? kept = null)
{

    public RecordDraft Create(CreateRecordRequest request, string tenant) => Made(request.Record, tenant);

    public RecordUpdate Update(UpdateRecordRequest request, string tenant) =>
        Update(request.Record, request.UpdateMask, request.AllowMissing, tenant);

    public RecordDelete Delete(DeleteRecordRequest request) =>
        new(Open(RecordNames.Table(request.Type), "type"), RecordNames.Name(request.Name), Revision(request.Revision, "revision"), request.AllowMissing);

    public static RecordListing List(ListRecordsRequest request)
    {
        RecordTable table = RecordNames.Table(request.Type);
        if (request.PageSize < 0)
        {
            throw Fault.Invalid("page_size", "page_size is less than 0");
        }

        FilterNode? filter = FilterParser.Parse(request.Filter);
        if (filter is not null)
        {
            FilterCheck.Check(table, filter, "filter");
        }

        return new RecordListing
        {
            Tenant = RecordNames.Tenant(request.Tenant),
            Table = table,
            Filter = filter,
            FilterText = request.Filter,
            Order = RecordOrder.Parse(table, request.OrderBy),
            OrderText = request.OrderBy,
            Labels = RecordNames.Labels(request.Labels),
            PageSize = request.PageSize == 0 ? Limits.PageRecordsCountDefault : Math.Min(request.PageSize, Limits.PageRecordsCountMax),
            PageToken = request.PageToken,
            Mask = RecordMask.Parse(request.ReadMask?.Paths, table, "read_mask", isUpdate: false),
            Includes = RecordIncludes.Parse(request.Include, table),
        };
    }

    public static List<(RecordTable Table, string Name)> Keys(BatchGetRecordsRequest request)
    {
        CheckCount(request.Keys.Count, Limits.BatchGetKeysCountMax, "keys");
        return [.. request.Keys.Select((key, index) => (RecordNames.Table(key.Type, $"keys[{index}].type"), RecordNames.Name(key.Name, $"keys[{index}].name")))];
    }

    public static RecordWatchRequest Watch(WatchRecordsRequest request)
    {
        if (request.Name.Length > 0 && request.Types_.Count != 1)
        {
            throw Fault.Invalid("name", "name needs exactly one type in types");
        }

        if (request.InitialState && request.HasAfter)
        {
            throw Fault.Invalid("initial_state", "initial_state and after exclude each other: the initial state has a place of its own to go on from");
        }

        TimeSpan interval = Limits.WatchProgressIntervalDefault;
        if (request.ProgressInterval is { } wanted)
        {
            bool isSound = wanted.Seconds is >= 0 and <= 86_400 && wanted.Nanos is >= 0 and < 1_000_000_000;
            interval = isSound ? wanted.ToTimeSpan() : throw Fault.Invalid("progress_interval", "progress_interval is not between 0 and a day");
        }

        return new RecordWatchRequest(
            RecordNames.Tenant(request.Tenant),
            [.. request.Types_.Select((type, index) => RecordNames.Table(type, $"types[{index}]")).Distinct()],
            request.Name.Length > 0 ? RecordNames.Name(request.Name) : null,
            RecordNames.Labels(request.Labels),
            request.HasAfter ? request.After : null,
            request.InitialState,
            interval < Limits.WatchProgressIntervalMin ? Limits.WatchProgressIntervalMin : interval);
    }

    public RecordCommit Commit(CommitRequest request, string tenant)
    {
        CheckCount(request.Preconditions.Count, Limits.CommitOperationsCountMax, "preconditions");
        CheckCount(request.Operations.Count, Limits.CommitOperationsCountMax, "operations");
        CheckCount(request.Otherwise.Count, Limits.CommitOperationsCountMax, "otherwise");
        if (request.Operations.Count + request.Otherwise.Count == 0)
        {
            throw Fault.Invalid("operations", "operations is empty");
        }

        return new RecordCommit(
            [.. request.Preconditions.Select((condition, index) => RecordConditions.Parse(condition, $"preconditions[{index}]"))],
            Operations(request.Operations, tenant, "operations"),
            Operations(request.Otherwise, tenant, "otherwise"));
    }

    private List<RecordOperation> Operations(IEnumerable<Operation> operations, string tenant, string branch)
    {
        var parsed = new List<RecordOperation>();
        foreach (Operation operation in operations)
        {
            try
            {
                parsed.Add(Parse(operation, tenant));
            }
            catch (Fault fault)
            {
                throw RecordCommit.Placed(fault, branch, parsed.Count);
            }
        }

        return parsed;
    }

    private RecordOperation Parse(Operation operation, string tenant) => operation.OperationCase switch
    {
        Operation.OperationOneofCase.Create => new RecordCreate(Made(operation.Create.Record, tenant)),
        Operation.OperationOneofCase.Update => Update(operation.Update.Record, operation.Update.UpdateMask, operation.Update.AllowMissing, tenant),
        Operation.OperationOneofCase.Delete => new RecordDelete(
            Open(RecordNames.Table(operation.Delete.Type), "type"), RecordNames.Name(operation.Delete.Name), Revision(operation.Delete.Revision, "revision"), operation.Delete.AllowMissing),
        Operation.OperationOneofCase.Add => Open(RecordConditions.Parse(operation.Add)),
        Operation.OperationOneofCase.Get => new RecordRead(RecordNames.Table(operation.Get.Type), RecordNames.Name(operation.Get.Name)),
        Operation.OperationOneofCase.Acknowledge => new CursorAcknowledge(CursorRequests.Leased(operation.Acknowledge, "acknowledge")),
        Operation.OperationOneofCase.Append => new EventAppend(ApplicationEventRequests.Parse(operation.Append, "append")),
        _ => throw Fault.Invalid("operation", "no operation is set"),
    };

    private RecordUpdate Update(Record? record, FieldMask? mask, bool allowMissing, string tenant)
    {
        RecordDraft draft = Draft(record, tenant, "record", isNew: false);
        if (allowMissing)
        {
            kept?.RefuseNew(draft.Table, "record.type");
        }

        var parsed = RecordMask.Parse(mask?.Paths, draft.Table, "update_mask", isUpdate: true);
        return record!.Body is null && parsed is null
            ? throw Fault.Invalid("record.body", "record.body is required where no update_mask says what to change")
            : new RecordUpdate(draft, parsed, allowMissing);
    }

    private RecordDraft Made(Record? record, string tenant)
    {
        RecordDraft draft = Draft(record, tenant, "record", isNew: true);
        kept?.RefuseNew(draft.Table, "record.type");
        return draft;
    }

    private RecordDraft Draft(Record? record, string tenant, string field, bool isNew)
    {
        if (record is null)
        {
            throw Fault.Invalid(field, $"{field} is required");
        }

        if (record.Tenant.Length > 0 && record.Tenant != tenant)
        {
            throw Fault.Invalid(field + ".tenant", $"{field}.tenant is '{RecordNames.Tenant(record.Tenant, field + ".tenant")}', the request's is '{tenant}'");
        }

        if (record.Body is null && (isNew || record.Type.Length == 0))
        {
            throw Fault.Invalid(field + ".body", $"{field}.body is required");
        }

        RecordTable table = Open(TypeOf(record, field), field + ".type");
        IMessage body = record.Body is null ? table.New() : Body(table, record.Body.Value, field + ".body");
        string key = table.KeyOf(body);
        if (record.Name.Length > 0 && key.Length > 0 && record.Name != key)
        {
            throw Fault.Invalid(field + ".name", $"{field}.name differs from {table.Key.Name} of the body");
        }

        string name = record.Name.Length > 0 ? record.Name : key.Length > 0 || !isNew ? key : ids.Next();
        name = RecordNames.Name(name, field + ".name");
        if (key.Length == 0)
        {
            table.SetKey(body, name);
        }

        return new RecordDraft
        {
            Table = table,
            Name = name,
            Body = body,
            Encoded = key.Length > 0 ? record.Body?.Value : null,
            Labels = RecordNames.Labels(record.Labels, field + ".labels"),
            Revision = isNew ? 0 : Revision(record.Revision, field + ".revision"),
        };
    }

    private RecordTable Open(RecordTable table, string field)
    {
        kept?.Refuse(table, field);
        return table;
    }

    private RecordAdd Open(RecordAdd add)
    {
        kept?.Refuse(add.Table, "type");
        return add;
    }

    private static RecordTable TypeOf(Record record, string field)
    {
        if (record.Body is null)
        {
            return RecordNames.Table(record.Type, field + ".type");
        }

        string url = record.Body.TypeUrl;
        RecordTable table = RecordNames.Table(url[(url.LastIndexOf('/') + 1)..], field + ".body.type_url");
        return record.Type.Length == 0 || RecordNames.Table(record.Type, field + ".type") == table
            ? table
            : throw Fault.Invalid(field + ".type", $"{field}.type is {record.Type}, the body is {table.TypeName}");
    }

    private static IMessage Body(RecordTable table, ByteString bytes, string field)
    {
        if (bytes.Length > Limits.RecordBytesMax)
        {
            throw Fault.Invalid(field, $"{field} has {bytes.Length} bytes, at most {Limits.RecordBytesMax}");
        }

        try
        {
            return table.Parse(bytes);
        }
        catch (FieldValueException failure)
        {
            throw Fault.Invalid($"{field}.{failure.Field}", $"{field}.{failure.Field}: {failure.Message}");
        }
        catch (InvalidProtocolBufferException failure)
        {
            throw new Fault(FaultKind.Invalid, $"{field} is not a {table.TypeName}: {failure.Message}", field, cause: failure);
        }
    }

    private static long Revision(long revision, string field) => revision >= 0 ? revision : throw Fault.Invalid(field, $"{field} is less than 0");

    private static void CheckCount(int count, int countMax, string field)
    {
        if (count > countMax)
        {
            throw Fault.Invalid(field, $"{field} has {count} entries, at most {countMax}");
        }
    }
}
