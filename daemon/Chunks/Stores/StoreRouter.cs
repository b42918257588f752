using System.Buffers;
using System.Collections.Concurrent;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>
/// Finds chunks in stores, in order: one that is missing is looked for in the next, one that fails stops the search or is passed over, as that store's policy says. Every
/// chunk is checked by its id; a store that gives another content is named. What a remote store gave is kept in the cache, where a damaged chunk is replaced.
/// Invariants: at most so many fetches run at a time, whoever calls; a chunk that is being fetched is not fetched twice. Owns its stores.
/// </summary>
public sealed class StoreRouter : IAsyncDisposable
{
    private readonly IReadOnlyList<RoutedStore> _stores;
    private readonly TimeProvider _clock;
    private readonly StoreRetry _retry;
    private readonly SemaphoreSlim _slots;
    private readonly Lock _gate = new();
    private readonly Dictionary<(ChunkId, ChunkDigest, int), Flight> _flights = [];
    private readonly ConcurrentBag<ChunkFile> _files = [];

    /// <param name="cache">Asked first and given what the others have; null for none. Its faults never stop a fetch.</param>
    public StoreRouter(IReadOnlyList<RoutedStore> stores, IChunkStore? cache, TimeProvider clock, int fetchesMax = Limits.StoreFetchesDefault)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fetchesMax, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fetchesMax, Limits.StoreFetchesMax);
        _stores = stores;
        Cache = cache is null ? null : new RoutedStore(cache, StoreErrorPolicy.Next);
        _clock = clock;
        _retry = new StoreRetry(clock);
        FetchesMax = fetchesMax;
        _slots = new SemaphoreSlim(fetchesMax);
    }

    public IReadOnlyList<RoutedStore> Stores => _stores;

    public RoutedStore? Cache { get; }

    /// <summary>Callers beyond this number only wait.</summary>
    public int FetchesMax { get; }

    /// <summary>
    /// Puts a chunk's content into <paramref name="target"/>, which is as long as the chunk may be, and returns its length. Fault(NotFound) when no store has it; Fault(Corrupt),
    /// (Unavailable), (Denied) or (Precondition) when a store failed and none after it had it.
    /// </summary>
    public async Task<int> FetchAsync(ChunkId id, ChunkDigest digest, Memory<byte> target, CancellationToken cancel)
    {
        var flight = Board((id, digest, target.Length));
        try
        {
            var content = await flight.Landed.Task.WaitAsync(cancel);
            content.CopyTo(target);
            return content.Length;
        }
        finally
        {
            Leave((id, digest, target.Length), flight);
        }
    }

    /// <summary>
    /// The same as the chunk's file, as it came; it holds what its id says. The memory is the caller's. A fetch of its own: whoever asks for files asks for each once.
    /// </summary>
    public async Task<ArraySegment<byte>> FetchFileAsync(ChunkId id, ChunkDigest digest, int contentLengthMax, CancellationToken cancel)
    {
        var content = ArrayPool<byte>.Shared.Rent(contentLengthMax);
        await _slots.WaitAsync(cancel);
        try
        {
            var file = new byte[ChunkFile.BytesMax(contentLengthMax)];
            var found = await FindAsync(id, digest, file, content.AsMemory(0, contentLengthMax), cancel);
            return new ArraySegment<byte>(file, 0, found.FileBytes);
        }
        finally
        {
            _slots.Release();
            ArrayPool<byte>.Shared.Return(content);
        }
    }

    /// <summary>The first index of that name that a store has, parsed. Faults as of <see cref="FetchAsync"/>.</summary>
    public async Task<AssetIndex> FetchIndexAsync(IndexName name, CancellationToken cancel)
    {
        Fault? failed = null;
        foreach (var routed in _stores)
        {
            try
            {
                if (await _retry.RunAsync(() => routed.Store.ReadIndexAsync(name, cancel), cancel) is { } bytes)
                {
                    return AssetIndex.Parse(bytes, $"{name} of {routed.Store.Name}");
                }
            }
            catch (Fault fault)
            {
                routed.CountFault(fault, _clock);
                if (routed.OnError == StoreErrorPolicy.Stop)
                {
                    throw;
                }

                failed = fault;
            }
        }

        throw failed ?? Fault.NotFound($"index {name} is in none of the stores {Names()}");
    }

    public async ValueTask DisposeAsync()
    {
        Task[] left;
        lock (_gate)
        {
            left = [.. _flights.Values.Select(flight => flight.Ended.Task)];
            foreach (var flight in _flights.Values)
            {
                flight.Stop.Cancel();
            }
        }

        await Task.WhenAll(left);
        foreach (var routed in Cache is null ? _stores : _stores.Append(Cache))
        {
            await routed.Store.DisposeAsync();
        }

        while (_files.TryTake(out var file))
        {
            file.Dispose();
        }

        _slots.Dispose();
    }

    private Flight Board((ChunkId Id, ChunkDigest Digest, int LengthMax) chunk)
    {
        lock (_gate)
        {
            if (!_flights.TryGetValue(chunk, out var flight))
            {
                flight = new Flight();
                _flights.Add(chunk, flight);
                _ = FlyAsync(chunk.Id, chunk.Digest, chunk.LengthMax, flight);
            }

            flight.Callers++;
            return flight;
        }
    }

    /// <summary>The last caller ends a flight that has not landed, and gives its memory back.</summary>
    private void Leave((ChunkId, ChunkDigest, int) chunk, Flight flight)
    {
        lock (_gate)
        {
            if (--flight.Callers > 0)
            {
                return;
            }

            _flights.Remove(chunk);
        }

        flight.Stop.Cancel();
        flight.Seats.Release();
    }

    private async Task FlyAsync(ChunkId id, ChunkDigest digest, int lengthMax, Flight flight)
    {
        // Never on the thread that holds the gate.
        await Task.Yield();
        var content = ArrayPool<byte>.Shared.Rent(lengthMax);
        try
        {
            await _slots.WaitAsync(flight.Stop.Token);
            try
            {
                flight.Landed.TrySetResult(content.AsMemory(0, await FindContentAsync(id, digest, content.AsMemory(0, lengthMax), flight.Stop.Token)));
            }
            finally
            {
                _slots.Release();
            }
        }
        catch (OperationCanceledException)
        {
            flight.Landed.TrySetCanceled();
        }
        catch (Exception failure)
        {
            flight.Landed.TrySetException(failure);
        }

        // Until nobody reads it any more.
        await flight.Seats.WaitAsync();
        ArrayPool<byte>.Shared.Return(content);
        flight.Stop.Dispose();
        flight.Ended.SetResult();
    }

    private async Task<int> FindContentAsync(ChunkId id, ChunkDigest digest, Memory<byte> content, CancellationToken cancel)
    {
        var file = ArrayPool<byte>.Shared.Rent(ChunkFile.BytesMax(content.Length));
        try
        {
            return (await FindAsync(id, digest, file, content, cancel)).Length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(file);
        }
    }

    private async Task<Answer> FindAsync(ChunkId id, ChunkDigest digest, byte[] file, Memory<byte> content, CancellationToken cancel)
    {
        var isCacheDamaged = false;
        if (Cache is not null)
        {
            var faults = Cache.Faults;
            if (await TryStoreAsync(Cache, id, digest, file, content, cancel) is { IsFound: true } kept)
            {
                return kept;
            }

            isCacheDamaged = Cache.Faults != faults && Cache.LastFault is { Kind: FaultKind.Corrupt };
        }

        Fault? failed = null;
        foreach (var routed in InOrder())
        {
            var answer = await TryStoreAsync(routed, id, digest, file, content, cancel);
            if (answer.IsFound)
            {
                await KeepAsync(id, file.AsMemory(0, answer.FileBytes), isCacheDamaged, cancel);
                return answer;
            }

            if (answer.Failed is not null && routed.OnError == StoreErrorPolicy.Stop)
            {
                throw answer.Failed;
            }

            failed = answer.Failed ?? failed;
        }

        throw failed ?? Fault.NotFound($"chunk {id} is in none of the stores {Names()}");
    }

    private async Task<Answer> TryStoreAsync(RoutedStore routed, ChunkId id, ChunkDigest digest, byte[] file, Memory<byte> content, CancellationToken cancel)
    {
        try
        {
            var fileBytes = await _retry.RunAsync(() => routed.Store.ReadAsync(id, file, cancel), cancel);
            if (fileBytes < 0)
            {
                routed.CountMissing();
                return default;
            }

            var length = Check(routed, id, digest, file.AsSpan(0, fileBytes), content.Span);
            routed.CountChunk(fileBytes);
            return new Answer(true, length, fileBytes, null);
        }
        catch (Fault fault)
        {
            routed.CountFault(fault, _clock);
            return new Answer(false, 0, 0, fault);
        }
    }

    private int Check(RoutedStore routed, ChunkId id, ChunkDigest digest, ReadOnlySpan<byte> file, Span<byte> content)
    {
        var files = _files.TryTake(out var free) ? free : new ChunkFile();
        try
        {
            return files.Read(file, id, digest, content, routed.Store.Name);
        }
        finally
        {
            _files.Add(files);
        }
    }

    private async Task KeepAsync(ChunkId id, ReadOnlyMemory<byte> file, bool replaces, CancellationToken cancel)
    {
        if (Cache is null)
        {
            return;
        }

        try
        {
            await Cache.Store.WriteAsync(id, file, replaces, cancel);
        }
        catch (Fault fault)
        {
            // The chunk is there all the same; the cache's state shows what is wrong with it.
            Cache.CountFault(fault, _clock);
        }
    }

    /// <summary>As they were given, but for those that are away, which come last.</summary>
    private IEnumerable<RoutedStore> InOrder() => _stores.Count == 1 ? _stores : _stores.OrderBy(routed => routed.IsAway(_clock));

    private string Names() => string.Join(", ", _stores.Select(routed => routed.Store.Name));

    private readonly record struct Answer(bool IsFound, int Length, int FileBytes, Fault? Failed);

    /// <summary>One fetch and those who wait for it.</summary>
    private sealed class Flight
    {
        public TaskCompletionSource<Memory<byte>> Landed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CancellationTokenSource Stop { get; } = new();

        /// <summary>Released when the last caller has left.</summary>
        public SemaphoreSlim Seats { get; } = new(0);

        public int Callers { get; set; }
    }
}
