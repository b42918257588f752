namespace Auraed.Host.Origin;

/// <summary>
/// Bounds the bytes that answers hold. Who finds no room waits, in order: nobody smaller overtakes. Invariants: what is given out is never more than there is; a share that is disposed,
/// or made smaller, lets in those who wait.
/// </summary>
internal sealed class ByteRoom(long bytesMax)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiting = [];
    private readonly long _bytesMax = bytesMax;
    private long _free = bytesMax;

    /// <param name="bytes">At most as many as the room has.</param>
    public async Task<Share> EnterAsync(long bytes, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _bytesMax);
        LinkedListNode<Waiter> waiter;
        lock (_gate)
        {
            if (_waiting.Count == 0 && _free >= bytes)
            {
                _free -= bytes;
                return new Share(this, bytes);
            }

            waiter = _waiting.AddLast(new Waiter(bytes));
        }

        try
        {
            await waiter.Value.Entered.Task.WaitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            Leave(waiter);
            throw;
        }

        return new Share(this, bytes);
    }

    private void Leave(LinkedListNode<Waiter> waiter)
    {
        lock (_gate)
        {
            // Let in at the last moment, it gives back what it was given; gone from the front, those behind it may fit.
            if (waiter.List is null)
            {
                _free += waiter.Value.Bytes;
            }
            else
            {
                _waiting.Remove(waiter);
            }

            Admit();
        }
    }

    private void GiveBack(long bytes)
    {
        lock (_gate)
        {
            _free += bytes;
            Admit();
        }
    }

    private void Admit()
    {
        while (_waiting.First is { } next && next.Value.Bytes <= _free)
        {
            _free -= next.Value.Bytes;
            _waiting.RemoveFirst();
            next.Value.Entered.SetResult();
        }
    }

    /// <summary>What one answer may hold; of one request.</summary>
    internal sealed class Share(ByteRoom room, long bytes) : IDisposable
    {
        private long _bytes = bytes;

        /// <summary>Keeps so many bytes, not more than it has.</summary>
        public void ShrinkTo(long bytes)
        {
            var back = _bytes - bytes;
            ArgumentOutOfRangeException.ThrowIfNegative(back);
            _bytes = bytes;
            room.GiveBack(back);
        }

        public void Dispose() => ShrinkTo(0);
    }

    private sealed class Waiter(long bytes)
    {
        public long Bytes => bytes;

        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
