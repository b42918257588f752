using Aurae.Events.V0;
using Auraed.EventLog;
using Auraed.Store;

namespace Auraed.Domain.Events;

/// <summary>The event log as the service offers it.</summary>
public sealed class Events
{
    private readonly EventReader _reader;
    private readonly EventWatch _watch;

    public Events(Database database, TimeProvider time)
    {
        Tail = new EventTail(database);
        _reader = new EventReader(database);
        _watch = new EventWatch(database, Tail, time);
    }

    /// <summary>The end of the log, which all who follow it share.</summary>
    public EventTail Tail { get; }

    public IAsyncEnumerable<ReadEventsResponse> ReadAsync(ReadEventsRequest request, CancellationToken cancel) =>
        _reader.ReadAsync(EventRequests.Read(request), cancel);

    public IAsyncEnumerable<WatchEventsResponse> WatchAsync(WatchEventsRequest request, CancellationToken cancel) =>
        _watch.WatchAsync(EventRequests.Watch(request), cancel);
}
