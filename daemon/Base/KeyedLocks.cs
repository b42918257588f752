namespace Auraed.Base;

/// <summary>A lock per key, for as long as somebody holds or awaits it. In no order; not to be taken twice by one caller.</summary>
public sealed class KeyedLocks
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Disposing the answer gives the lock up.</summary>
    public async Task<IDisposable> TakeAsync(string key, CancellationToken cancel)
    {
        Entry? entry;
        lock (_entries)
        {
            if (!_entries.TryGetValue(key, out entry))
            {
                _entries.Add(key, entry = new Entry());
            }

            entry.Users++;
        }

        try
        {
            await entry.Gate.WaitAsync(cancel).ConfigureAwait(false);
            return new Held(this, key, entry);
        }
        catch
        {
            Leave(key, entry);
            throw;
        }
    }

    private void Leave(string key, Entry entry)
    {
        lock (_entries)
        {
            if (--entry.Users == 0)
            {
                _ = _entries.Remove(key);
                entry.Gate.Dispose();
            }
        }
    }

    private sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public int Users { get; set; }
    }

    private sealed class Held(KeyedLocks owner, string key, Entry entry) : IDisposable
    {
        private bool _isGivenUp;

        public void Dispose()
        {
            if (!_isGivenUp)
            {
                _isGivenUp = true;
                _ = entry.Gate.Release();
                owner.Leave(key, entry);
            }
        }
    }
}
