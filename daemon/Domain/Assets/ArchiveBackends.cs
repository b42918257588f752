using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Stores;

namespace Auraed.Domain.Assets;

/// <summary>
/// The backends of the settings: each opened when it is first needed, and asked through a router of its own, which tries again, checks each chunk by its id and bounds what is in
/// flight. A name that stands in the file and no more in the settings is a fault that says so.
/// </summary>
internal sealed class ArchiveBackends(IReadOnlyList<ArchiveBackend> all, TimeProvider time) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (IChunkStore Store, StoreRouter Router)> _open = new(StringComparer.Ordinal);

    public IReadOnlyList<ArchiveBackend> All => all;

    /// <summary>What can be archived to. An empty name is that of the only one.</summary>
    public (string Name, IChunkStore Store) Target(string name)
    {
        ArchiveBackend[] writable = [.. all.Where(backend => !backend.IsReadOnly)];
        ArchiveBackend? found = name.Length == 0 ? (writable.Length == 1 ? writable[0] : null) : all.FirstOrDefault(backend => backend.Name == name);
        return found switch
        {
            { IsReadOnly: false } => (found.Name, Open(found.Name).Store),
            { IsReadOnly: true } => throw new Fault(FaultKind.Precondition, $"backend '{name}' is read-only", "backend", "auraed assets backends") { Reason = "BACKEND_READ_ONLY" },
            _ when name.Length == 0 => throw new Fault(
                FaultKind.Precondition, writable.Length == 0 ? "the daemon has no backend to archive to" : $"the daemon has {writable.Length} backends to archive to, and none is named", "backend",
                writable.Length == 0 ? "name one in the file of the setting assets.backends_file" : "auraed assets backends")
            { Reason = "BACKEND_UNNAMED" },
            _ => throw Unknown(name),
        };
    }

    /// <summary>
    /// The chunk's file, from the first of the named backends that gives what the id says. <paramref name="alsoOthers"/> asks those of the settings that are not named, too. Fault names
    /// the last that failed; one that merely lacks the chunk only when no other did.
    /// </summary>
    public async Task<(ReadOnlyMemory<byte> File, string Backend)> FetchAsync(ChunkId id, int size, IReadOnlyList<string> names, bool alsoOthers, CancellationToken cancel)
    {
        Fault? failed = null;
        foreach (string name in alsoOthers ? names.Union(all.Select(backend => backend.Name), StringComparer.Ordinal) : names)
        {
            try
            {
                return (await Open(name).Router.FetchFileAsync(id, ChunkDigest.Sha256, size, cancel).ConfigureAwait(false), name);
            }
            catch (Fault fault)
            {
                failed = failed is null || fault.Kind != FaultKind.NotFound ? fault : failed;
            }
        }

        throw failed ?? new Fault(FaultKind.Corrupt, $"no backend is known to have chunk {id}", hint: "auraed verify") { Reason = "CHUNK_DAMAGED" };
    }

    /// <summary>For a chunk that only backends have: a fault that says what to look at.</summary>
    public async Task<ReadOnlyMemory<byte>> FetchArchivedAsync(ChunkId id, int size, IReadOnlyList<string> names, string what, CancellationToken cancel)
    {
        try
        {
            return (await FetchAsync(id, size, names, alsoOthers: false, cancel).ConfigureAwait(false)).File;
        }
        catch (Fault fault)
        {
            throw new Fault(
                fault.Kind switch
                {
                    FaultKind.NotFound => FaultKind.Corrupt,
                    // The daemon's credentials were refused, not the caller's.
                    FaultKind.Denied => FaultKind.Precondition,
                    _ => fault.Kind,
                },
                $"{what} is archived, and its backend does not give chunk {id}: {fault.Message}",
                hint: fault.Hint ?? "auraed assets backends",
                cause: fault)
            { Reason = "ARCHIVE_UNREACHABLE", RetryAfter = fault.RetryAfter };
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach ((_, StoreRouter router) in _open.Values)
        {
            await router.DisposeAsync().ConfigureAwait(false);
        }
    }

    private (IChunkStore Store, StoreRouter Router) Open(string name)
    {
        lock (_gate)
        {
            if (!_open.TryGetValue(name, out (IChunkStore Store, StoreRouter Router) open))
            {
                ArchiveBackend backend = all.FirstOrDefault(backend => backend.Name == name) ?? throw Unknown(name);
                IChunkStore store = ChunkStores.Open(backend.Location, backend.Options, time);
                open = (store, new StoreRouter([new RoutedStore(store, StoreErrorPolicy.Stop)], null, time));
                _open.Add(name, open);
            }

            return open;
        }
    }

    private static Fault Unknown(string name) =>
        new(FaultKind.Precondition, $"the daemon has no backend '{name}'", "backend", "name it in the file of the setting assets.backends_file, and restart the daemon") { Reason = "BACKEND_UNKNOWN" };
}
