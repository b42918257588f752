using System.Collections.Concurrent;
using Auraed.Base;

namespace Auraed.Store;

/// <summary>
/// A counter per table that says whether anything read from it before still holds. Odd: a commit that writes the table is under way.
/// Invariants: the writer makes a counter odd before its COMMIT and even after it, and answers nobody in between; so a reader that saw the
/// same even number before its snapshot and at a later look-up has an answer that no commit has touched.
/// </summary>
internal sealed class TableVersions
{
    private readonly ConcurrentDictionary<string, int> _numbers = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock _growing = new();
    private readonly long[] _versions = new long[Limits.StoreTableCountMax];

    public int NumberOf(string table)
    {
        if (_numbers.TryGetValue(table, out var number))
        {
            return number;
        }

        lock (_growing)
        {
            if (_numbers.TryGetValue(table, out number))
            {
                return number;
            }

            number = _numbers.Count;
            Invariant.Hold(number < _versions.Length);
            _numbers[table] = number;
            return number;
        }
    }

    public long Of(int table) => Volatile.Read(ref _versions[table]);

    /// <summary>By one thread at a time: answers from memory stop for these tables until <see cref="End"/>.</summary>
    public void Begin(ReadOnlySpan<int> tables) => Bump(tables);

    /// <summary>After <see cref="Begin"/>, whether the commit went through or not.</summary>
    public void End(ReadOnlySpan<int> tables) => Bump(tables);

    private void Bump(ReadOnlySpan<int> tables)
    {
        foreach (var table in tables)
        {
            Interlocked.Increment(ref _versions[table]);
        }
    }
}
