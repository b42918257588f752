using Auraed.Base;

namespace Auraed.Store;

/// <summary>
/// Appends events inside the unit of work that causes them. Invariants: sequences are dense from 1; the hash kept here is that of the last
/// event appended and not rolled back; only the writer's thread calls.
/// </summary>
public sealed class EventAppender
{
    private const string Insert =
        "INSERT INTO event (sequence, commit_revision, time, tenant, principal, request_id, kind, subject, payload, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

    private readonly Connection _connection;
    private List<StoredEvent> _appended = [];
    private readonly byte[] _hash = new byte[EventHash.HashBytes];
    private readonly byte[] _hashBefore = new byte[EventHash.HashBytes];
    private long _sequence;
    private long _sequenceBefore;
    private long _time;

    internal EventAppender(Connection connection)
    {
        _connection = connection;
        Load();
    }

    /// <summary>The last sequence appended, be it durable yet or not.</summary>
    internal long Sequence => _sequence;

    /// <summary>The time of the last event, below which no later one may be.</summary>
    internal long LastTime { get; private set; }

    /// <summary>Appends one event and returns its sequence.</summary>
    /// <param name="tenant">Whose it is.</param>
    /// <param name="principal">Who caused it.</param>
    /// <param name="requestId">The idempotency key of the request; null when it had none.</param>
    /// <param name="kind">As <c>virtual_machine.created</c>.</param>
    /// <param name="subject">The id of what it is about.</param>
    /// <param name="payload">The encoded message.</param>
    public long Append(string tenant, string principal, string? requestId, string kind, string subject, ReadOnlySpan<byte> payload)
    {
        var content = new EventContent
        {
            Sequence = _sequence + 1,
            CommitRevision = _sequenceBefore + 1,
            Time = _time,
            Tenant = tenant,
            Principal = principal,
            RequestId = requestId,
            Kind = kind,
            Subject = subject,
            Payload = payload,
        };
        Span<byte> hash = stackalloc byte[EventHash.HashBytes];
        EventHash.Compute(_hash, content, hash);
        var statement = _connection.Prepare(Insert);
        statement.Integer(0, content.Sequence);
        statement.Integer(1, content.CommitRevision);
        statement.Integer(2, content.Time);
        statement.Text(3, tenant);
        statement.Text(4, principal);
        if (requestId is null)
        {
            statement.Null(5);
        }
        else
        {
            statement.Text(5, requestId);
        }

        statement.Text(6, kind);
        statement.Text(7, subject);
        statement.Blob(8, payload);
        statement.Blob(9, hash);
        _ = statement.Step();
        hash.CopyTo(_hash);
        _appended.Add(new StoredEvent(content.Sequence, content.CommitRevision, content.Time, tenant, principal, requestId, kind, subject, payload.ToArray(), hash.ToArray()));
        _sequence = content.Sequence;
        LastTime = content.Time;
        return content.Sequence;
    }

    /// <summary>What was appended and not rolled back since the last call.</summary>
    internal List<StoredEvent> Take()
    {
        var taken = _appended;
        _appended = new List<StoredEvent>(taken.Count);
        return taken;
    }

    /// <summary>Before a unit: what it appends bears this time, and <see cref="Undo"/> comes back to here.</summary>
    internal void Begin(long time)
    {
        _time = time;
        _sequenceBefore = _sequence;
        _hash.CopyTo(_hashBefore, 0);
    }

    internal void Undo()
    {
        _appended.RemoveAll(appended => appended.Sequence > _sequenceBefore);
        _sequence = _sequenceBefore;
        _hashBefore.CopyTo(_hash, 0);
    }

    /// <summary>Takes position and hash from the file: at open, and after a group of units was rolled back.</summary>
    internal void Load()
    {
        var statement = _connection.Prepare("SELECT sequence, time, hash FROM event ORDER BY sequence DESC LIMIT 1");
        _sequence = 0;
        _appended.Clear();
        _hash.AsSpan().Clear();
        if (statement.Step())
        {
            _sequence = statement.Integer(0);
            LastTime = statement.Integer(1);
            var hash = statement.Blob(2);
            if (hash.Length != EventHash.HashBytes)
            {
                throw new Fault(FaultKind.Corrupt, $"event {_sequence} has a hash of {hash.Length} bytes", hint: "auraed verify, then auraed restore") { Reason = "EVENT_CHAIN_BROKEN" };
            }

            hash.CopyTo(_hash);
        }

        _connection.EndUnit();
    }
}
