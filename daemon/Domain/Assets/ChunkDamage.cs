using Auraed.Base;
using Auraed.Chunks;
using Auraed.Store;
using Auraed.Store.Assets;

namespace Auraed.Domain.Assets;

/// <summary>
/// Which chunks the disk has damaged, when all that a read of several says is that some page's seal does not hold: each is read by itself, on a connection that has met no such page.
/// </summary>
internal static class ChunkDamage
{
    /// <summary>What to do about a chunk whose bytes are not those of its id.</summary>
    public const string Hint = "auraed assets scrub: it mends what a backend has; what it only names is mended by putting the asset again";

    public const string Reason = "CHUNK_DAMAGED";

    public const string Unreadable = "cannot be read from the disk";

    /// <summary>Those of the chunks whose bytes the disk does not give as they were written.</summary>
    public static async Task<List<long>> FindAsync(Database database, IReadOnlyCollection<long> numbers, CancellationToken cancel)
    {
        if (await IsReadableAsync(database, numbers, cancel).ConfigureAwait(false))
        {
            return [];
        }

        var found = new List<long>();
        foreach (long number in numbers)
        {
            if (!await IsReadableAsync(database, [number], cancel).ConfigureAwait(false))
            {
                found.Add(number);
            }
        }

        return found;
    }

    /// <summary>The fault that names the first of the chunks that cannot be read; the one that was met when each can.</summary>
    /// <param name="what">Whose chunks they are, as "asset 12ab...".</param>
    public static async Task<Fault> NameAsync(Database database, Fault met, IReadOnlyList<long> numbers, string what, CancellationToken cancel)
    {
        foreach (long number in numbers)
        {
            if (!await IsReadableAsync(database, [number], cancel).ConfigureAwait(false))
            {
                byte[] id = new byte[ChunkId.Bytes];
                bool isThere = await database.ReadAsync(unit => new ChunkRows(unit).TryReadId(number, id), cancel).ConfigureAwait(false);
                return isThere ? Of(new ChunkId(id), what, met) : met;
            }
        }

        return met;
    }

    public static Fault Of(ChunkId id, string what, Fault met) => new(FaultKind.Corrupt, $"chunk {id} of {what} {Unreadable}", hint: Hint, cause: met) { Reason = Reason };

    private static async Task<bool> IsReadableAsync(Database database, IEnumerable<long> numbers, CancellationToken cancel)
    {
        try
        {
            return await database.ReadAsync(
                unit =>
                {
                    var rows = new ChunkRows(unit);
                    foreach (long number in numbers)
                    {
                        rows.Touch(number);
                    }

                    return true;
                },
                cancel).ConfigureAwait(false);
        }
        catch (Fault fault) when (EngineError.IsUnreadable(fault))
        {
            return false;
        }
    }
}
