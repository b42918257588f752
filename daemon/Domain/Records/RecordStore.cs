using Aurae.Events.V0;
using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Domain.Events;
using Auraed.Store;
using Auraed.Store.Records;
using Google.Protobuf;

namespace Auraed.Domain.Records;

/// <summary>
/// Records of every type: the only way that they are read and changed. Every change is one unit of work: rows, events and the answer to its
/// request id are durable together before the call returns.
/// </summary>
public sealed class RecordStore
{
    private readonly Database _database;
    private readonly PageTokens _tokens;

    private RecordStore(Database database, PageTokens tokens, TimeProvider time)
    {
        _database = database;
        _tokens = tokens;
        Ids = new RecordIds(time);
        Watches = new RecordWatch(database, time);
    }

    /// <summary>Ids for records that are given none.</summary>
    public RecordIds Ids { get; }

    public RecordWatch Watches { get; }

    /// <summary>Where consumers of cursors wait; an acknowledgement in a commit wakes them.</summary>
    public CursorGates CursorGates { get; } = new();

    public static async Task<RecordStore> OpenAsync(Database database, TimeProvider time, CancellationToken cancel) =>
        new(database, new PageTokens(await MetaRows.KeyAsync(database, "page_token_key", cancel).ConfigureAwait(false)), time);

    /// <summary>Fault(AlreadyExists) when the name is taken.</summary>
    public Task<Record> CreateAsync(RecordCall call, RecordDraft draft, CancellationToken cancel) =>
        ChangeAsync(call, Record.Parser, writer => writer.Create(draft), cancel);

    /// <summary>Fault(NotFound), or Fault(Aborted) when the record is at another revision.</summary>
    public Task<Record> UpdateAsync(RecordCall call, RecordUpdate update, CancellationToken cancel) =>
        ChangeAsync(call, Record.Parser, writer => writer.Update(update), cancel);

    /// <summary>Fault(Precondition), naming the referrer, while another record refers to this one.</summary>
    public Task<DeleteRecordResponse> DeleteAsync(RecordCall call, RecordDelete delete, CancellationToken cancel) => ChangeAsync(
        call,
        DeleteRecordResponse.Parser,
        writer =>
        {
            _ = writer.Delete(delete);
            return new DeleteRecordResponse { Revision = writer.Revision, Deleted = writer.Deleted };
        },
        cancel);

    /// <summary>Applies one branch whole or, when any of its operations fails, nothing.</summary>
    public async Task<CommitResponse> CommitAsync(RecordCall call, RecordCommit commit, CancellationToken cancel)
    {
        CommitResponse response = await ChangeAsync(call, CommitResponse.Parser, commit.Apply, cancel).ConfigureAwait(false);
        foreach (LeasedEvents settled in commit.Acknowledged)
        {
            CursorGates.Changed(settled.Lease.Cursor);
        }

        return response;
    }

    /// <summary>Appends an application's events under one revision. Fault(Precondition) when a stream is not where it is expected.</summary>
    public Task<AppendEventsResponse> AppendAsync(RecordCall call, IReadOnlyList<EventDraft> events, CancellationToken cancel) => ChangeAsync(
        call,
        AppendEventsResponse.Parser,
        writer =>
        {
            var response = new AppendEventsResponse();
            for (int index = 0; index < events.Count; index++)
            {
                try
                {
                    response.Sequence = writer.Append(events[index]);
                }
                catch (Fault fault)
                {
                    throw RecordCommit.Placed(fault, "events", index);
                }
            }

            response.Revision = writer.Revision;
            return response;
        },
        cancel);

    /// <summary>
    /// Runs the work in one unit; a repeated request is answered as before and changes nothing.
    /// </summary>
    private Task<T> ChangeAsync<T>(RecordCall call, MessageParser<T> parser, Func<RecordWriter, T> work, CancellationToken cancel)
        where T : IMessage<T>
    {
        return call.RequestId is null
            ? WriteAsync(call, work, cancel)
            : _database.WriteAsync(unit => Once(unit, call, parser, work), cancel);
    }

    /// <summary>The record, or Fault(NotFound).</summary>
    public async Task<Record> GetAsync(string tenant, RecordTable table, string name, RecordMask? mask, RecordIncludes? includes, CancellationToken cancel)
    {
        if (includes is null)
        {
            return RecordMessages.ToMessage(Existing(await _database.FindAsync(table, tenant, name, cancel).ConfigureAwait(false)), mask);
        }

        return await _database.ReadPurelyAsync(
            unit =>
            {
                StoredRecord stored = Existing(new RecordRows(unit).Find(table, tenant, name));
                Record record = RecordMessages.ToMessage(stored, mask);
                includes.Add(unit, tenant, [stored], [record]);
                return record;
            },
            cancel).ConfigureAwait(false);

        StoredRecord Existing(StoredRecord? stored) =>
            stored ?? throw new Fault(FaultKind.NotFound, $"tenant '{tenant}' has no {table.Name} '{name}'") { Reason = "RECORD_NOT_FOUND" };
    }

    /// <summary>Many records from one snapshot.</summary>
    /// <param name="mask">Made for each type that is asked for.</param>
    public Task<BatchGetRecordsResponse> BatchGetAsync(
        string tenant, IReadOnlyList<(RecordTable Table, string Name)> keys, Func<RecordTable, RecordMask?> mask, RecordIncludes? includes, CancellationToken cancel) => _database.ReadPurelyAsync(
        unit =>
        {
            var rows = new RecordRows(unit);
            var found = new List<StoredRecord>(keys.Count);
            var response = new BatchGetRecordsResponse();
            long bytes = 0;
            foreach ((RecordTable table, string name) in keys)
            {
                if (rows.Find(table, tenant, name) is not { } stored)
                {
                    response.Missing.Add(new RecordKey { Type = table.TypeName, Name = name });
                    continue;
                }

                Record record = RecordMessages.ToMessage(stored, mask(table));
                bytes += record.CalculateSize();
                if (bytes > Limits.PageBytesMax)
                {
                    throw new Fault(FaultKind.Exhausted, $"the answer would be larger than {Limits.PageBytesMax} bytes", "keys", "ask for fewer at a time") { Reason = "ANSWER_TOO_LARGE" };
                }

                found.Add(stored);
                response.Records.Add(record);
            }

            includes?.Add(unit, tenant, found, response.Records);
            response.Revision = unit.Revision();
            return response;
        },
        cancel);

    /// <summary>One page, from one snapshot.</summary>
    public Task<ListRecordsResponse> ListAsync(RecordListing listing, CancellationToken cancel)
    {
        byte[] digest = listing.Digest();
        IReadOnlyList<SqlValue>? after = _tokens.Read(digest, listing.PageToken);
        var query = new RecordQuery
        {
            Table = listing.Table,
            Tenant = listing.Tenant,
            Filter = listing.Filter,
            Labels = listing.Labels,
            Order = listing.Order,
            After = after,
            CountMax = listing.PageSize,
            BytesMax = Limits.PageBytesMax,
        };
        return _database.ReadPurelyAsync(
            unit =>
            {
                RecordPage page = query.Read(unit);
                var response = new ListRecordsResponse
                {
                    NextPageToken = page.Next is null ? string.Empty : _tokens.Write(digest, page.Next),
                };
                foreach (StoredRecord stored in page.Records)
                {
                    response.Records.Add(RecordMessages.ToMessage(stored, listing.Mask));
                }

                listing.Includes?.Add(unit, listing.Tenant, page.Records, response.Records);
                response.Revision = unit.Revision();
                return response;
            },
            cancel);
    }

    /// <summary>Writes in one unit; for other nouns that live in records.</summary>
    public Task<T> WriteAsync<T>(RecordCall call, Func<RecordWriter, T> work, CancellationToken cancel) =>
        _database.WriteAsync(unit => work(new RecordWriter(unit, call)), cancel);

    /// <summary>Reads in one snapshot; for other nouns that live in records.</summary>
    public Task<T> ReadAsync<T>(Func<RecordRows, ReadUnit, T> work, CancellationToken cancel) => _database.ReadAsync(unit => work(new RecordRows(unit), unit), cancel);

    private static T Once<T>(WriteUnit unit, RecordCall call, MessageParser<T> parser, Func<RecordWriter, T> work)
        where T : IMessage<T>
    {
        byte[] digest = call.Digest ?? [];
        if (RequestRows.Find(unit, call.Tenant, call.Principal, call.RequestId!) is { } given)
        {
            return given.Digest.AsSpan().SequenceEqual(digest)
                ? parser.ParseFrom(given.Answer)
                : throw new Fault(FaultKind.Precondition, $"request_id '{call.RequestId}' was used for another request", "request_id", "make a new id for each new request") { Reason = "REQUEST_ID_REUSED" };
        }

        T answer = work(new RecordWriter(unit, call));
        RequestRows.Add(unit, call.Tenant, call.Principal, call.RequestId!, digest, answer.ToByteArray());
        return answer;
    }
}
