using Auraed.Base;
using Aurae.Query.V0;

namespace Auraed.Store.Query;

/// <summary>The state of some tables at one moment, when no commit of theirs was under way.</summary>
internal sealed class TableStamp
{
    private readonly int[] _tables;
    private readonly long[] _versions;

    private TableStamp(int[] tables, long[] versions)
    {
        _tables = tables;
        _versions = versions;
    }

    /// <summary>To be taken before the snapshot begins. Null while a commit is under way.</summary>
    public static TableStamp? Take(TableVersions versions, IReadOnlyCollection<string> tables)
    {
        var numbers = tables.Select(versions.NumberOf).ToArray();
        var seen = Array.ConvertAll(numbers, versions.Of);
        return Array.Exists(seen, version => version % 2 != 0) ? null : new TableStamp(numbers, seen);
    }

    /// <summary>True when no commit has touched the tables since.</summary>
    public bool Holds(TableVersions versions)
    {
        for (var index = 0; index < _tables.Length; index++)
        {
            if (versions.Of(_tables[index]) != _versions[index])
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>An answer in the messages it was sent as, the summary apart.</summary>
internal sealed record QueryAnswer(IReadOnlyList<QueryResponse> Messages, Summary Summary, TableStamp Stamp, long Bytes);

/// <summary>
/// Answers of whole queries, each exact: it is given out only while no commit has touched a table that it was read from.
/// Invariants: keyed by the tenant and everything else that decides the answer; bounded in bytes, the longest unused go first.
/// </summary>
internal sealed class QueryCache(TableVersions versions, long bytesMax)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<(string Key, QueryAnswer Answer)>> _answers = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Key, QueryAnswer Answer)> _byUse = new();

    public long Hits { get; private set; }

    public long Misses { get; private set; }

    /// <summary>Answers that were dropped because a table had changed.</summary>
    public long Invalidations { get; private set; }

    public long Bytes { get; private set; }

    public int Count => _answers.Count;

    public QueryAnswer? Find(string key)
    {
        lock (_gate)
        {
            if (!_answers.TryGetValue(key, out var node))
            {
                Misses++;
                return null;
            }

            if (!node.Value.Answer.Stamp.Holds(versions))
            {
                Misses++;
                Invalidations++;
                Remove(node);
                return null;
            }

            Hits++;
            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return node.Value.Answer;
        }
    }

    public void Add(string key, QueryAnswer answer)
    {
        lock (_gate)
        {
            if (_answers.TryGetValue(key, out var before))
            {
                Remove(before);
            }

            _answers.Add(key, _byUse.AddFirst((key, answer)));
            Bytes += Weight(key, answer);
            while (Bytes > bytesMax)
            {
                Remove(_byUse.Last!);
            }
        }
    }

    private void Remove(LinkedListNode<(string Key, QueryAnswer Answer)> node)
    {
        _byUse.Remove(node);
        _answers.Remove(node.Value.Key);
        Bytes -= Weight(node.Value.Key, node.Value.Answer);
    }

    // Objects around the values take some multiple of their bytes on the wire.
    private static long Weight(string key, QueryAnswer answer) => (2 * key.Length) + (4 * answer.Bytes) + 1024;
}
