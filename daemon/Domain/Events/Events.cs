using Aurae.Events.V0;
using Auraed.EventLog;
using Auraed.Store;

namespace Auraed.Domain.Events;

/// <summary>The event log as the service offers it.</summary>
public sealed class Events(Database database, TimeProvider time)
{
    private readonly EventReader _reader = new(database);
    private readonly EventWatch _watch = new(database, new EventTail(database), time);

    public IAsyncEnumerable<ReadEventsResponse> ReadAsync(ReadEventsRequest request, CancellationToken cancel) =>
        _reader.ReadAsync(EventRequests.Read(request), cancel);

    public IAsyncEnumerable<WatchEventsResponse> WatchAsync(WatchEventsRequest request, CancellationToken cancel) =>
        _watch.WatchAsync(EventRequests.Watch(request), cancel);
}
