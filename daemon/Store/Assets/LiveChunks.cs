using Auraed.Base;

namespace Auraed.Store.Assets;

/// <summary>
/// Which chunks of a window of numbers some part refers to: a bit for each number. What was marked stays marked, so parts that go away while it is filled make it
/// too large, which only keeps a chunk longer; parts that come are added by <see cref="CatchUp"/>.
/// </summary>
/// <param name="low">The window's first number.</param>
/// <param name="count">How many numbers it has.</param>
/// <param name="lastPart">The newest part when marking began.</param>
/// <param name="holder">Whose parts count; null for everybody's.</param>
public sealed class LiveChunks(long low, int count, long lastPart, long? holder)
{
    private readonly ulong[] _bits = new ulong[(count + 63) / 64];
    private readonly List<PartEntry> _entries = [];
    private long _lastPart = lastPart;

    public long Low => low;

    /// <summary>The first number after the window.</summary>
    public long High => low + count;

    public bool this[long number] => (_bits[(number - low) >> 6] >> (int)((number - low) & 63) & 1) != 0;

    /// <summary>False when it was marked before.</summary>
    public bool TryMark(long number)
    {
        ref ulong word = ref _bits[(number - low) >> 6];
        ulong before = word;
        word |= 1UL << (int)((number - low) & 63);
        return word != before;
    }

    public void Add(LiveChunks other)
    {
        Invariant.Hold(other.Low == low && other._bits.Length == _bits.Length);
        for (int index = 0; index < _bits.Length; index++)
        {
            _bits[index] |= other._bits[index];
        }
    }

    public void Mark(ReadOnlySpan<byte> part)
    {
        _entries.Clear();
        PartEntries.Decode(part, _entries);
        foreach (PartEntry entry in _entries)
        {
            if (entry.Number >= low && entry.Number < low + count)
            {
                _ = TryMark(entry.Number);
            }
        }
    }

    /// <summary>Marks what came since. Inside the unit of work that acts on the result, nothing can come after it.</summary>
    public void CatchUp(WriteUnit unit)
    {
        Statement select = unit.Prepare(
            "SELECT p.number, p.entries FROM content_part AS p JOIN content AS c ON c.number = p.content WHERE p.number > ? AND (?2 IS NULL OR c.holder = ?2) AND p.chunk_max >= ? AND p.chunk_min < ? ORDER BY p.number");
        select.Integer(0, _lastPart);
        if (holder is { } only)
        {
            select.Integer(1, only);
        }
        else
        {
            select.Null(1);
        }

        select.Integer(2, low);
        select.Integer(3, High);
        while (select.Step())
        {
            _lastPart = select.Integer(0);
            Mark(select.Blob(1));
        }
    }
}
