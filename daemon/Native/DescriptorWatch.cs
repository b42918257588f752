using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>
/// Waits for many descriptors on one thread (epoll). A callback runs on that thread and must not block; a descriptor is told once and then forgotten
/// unless it is watched again. Idle, it costs nothing.
/// </summary>
public sealed partial class DescriptorWatch : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int Add = 1;
    private const int Delete = 2;
    private const int Modify = 3;
    private const uint Readable = 0x1;
    private const uint OneShot = 1u << 30;
    private const int EventsCountMax = 64;
    private const int Interrupted = 4;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, (int Generation, Action Told)> _watched = [];
    private readonly Thread _thread;
    private readonly int _epoll;
    private readonly int _wake;
    private int _generation;
    private bool _isClosed;

    public DescriptorWatch()
    {
        _epoll = epoll_create1(CloseOnExec);
        _wake = eventfd(0, CloseOnExec);
        var entry = new Entry { Events = Readable, Descriptor = _wake };
        _ = epoll_ctl(_epoll, Add, _wake, in entry);
        _thread = new Thread(Run) { Name = "descriptors", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Calls once when the descriptor is readable, which may be at once. False after the watch's end, when nothing is told any more.</summary>
    public bool Watch(SafeHandle descriptor, Action told)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            int number = (int)descriptor.DangerousGetHandle();
            var entry = new Entry { Events = Readable | OneShot, Descriptor = number, Generation = ++_generation };
            _watched[number] = (entry.Generation, told);
            if (epoll_ctl(_epoll, Add, number, in entry) != 0 && epoll_ctl(_epoll, Modify, number, in entry) != 0)
            {
                _ = _watched.Remove(number);
                throw new IOException($"a descriptor cannot be watched: {Marshal.GetLastPInvokeErrorMessage()}");
            }

            return true;
        }
    }

    /// <summary>To be called before the descriptor is closed.</summary>
    public void Forget(SafeHandle descriptor)
    {
        lock (_gate)
        {
            int number = (int)descriptor.DangerousGetHandle();
            if (!_isClosed && _watched.Remove(number))
            {
                var entry = default(Entry);
                _ = epoll_ctl(_epoll, Delete, number, in entry);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            _ = eventfd_write(_wake, 1);
        }

        // The numbers are free for others from here on: nothing may be asked of them again.
        _thread.Join();
        _ = close(_epoll);
        _ = close(_wake);
    }

    private void Run()
    {
        var events = new Entry[EventsCountMax];
        while (true)
        {
            int count = epoll_wait(_epoll, events, EventsCountMax, -1);
            if (count < 0 && Marshal.GetLastPInvokeError() != Interrupted)
            {
                return;
            }

            for (int index = 0; index < count; index++)
            {
                if (events[index].Descriptor == _wake)
                {
                    return;
                }

                Told(in events[index])?.Invoke();
            }
        }
    }

    /// <summary>Null for what was forgotten meanwhile, were its number another's by now.</summary>
    private Action? Told(in Entry entry)
    {
        lock (_gate)
        {
            return _watched.TryGetValue(entry.Descriptor, out var watched) && watched.Generation == entry.Generation ? watched.Told : null;
        }
    }

    /// <summary>struct epoll_event, which is packed on x86-64 alone.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Entry
    {
        public uint Events;
        public int Descriptor;
        public int Generation;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int descriptor, in Entry entry);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, [Out] Entry[] events, int count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint value, int flags);

    [LibraryImport("libc")]
    private static partial int eventfd_write(int descriptor, ulong value);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
