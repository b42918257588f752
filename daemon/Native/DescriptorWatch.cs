using System.Collections.Concurrent;
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

    private readonly ConcurrentDictionary<int, (SafeHandle Descriptor, Action Told)> _watched = new();
    private readonly Thread _thread;
    private readonly int _epoll;
    private readonly int _wake;

    public DescriptorWatch()
    {
        _epoll = epoll_create1(CloseOnExec);
        _wake = eventfd(0, CloseOnExec);
        var entry = new Entry { Events = Readable, Descriptor = _wake };
        _ = epoll_ctl(_epoll, Add, _wake, in entry);
        _thread = new Thread(Run) { Name = "descriptors", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Calls once when the descriptor is readable, which may be at once.</summary>
    public void Watch(SafeHandle descriptor, Action told)
    {
        int number = (int)descriptor.DangerousGetHandle();
        _watched[number] = (descriptor, told);
        var entry = new Entry { Events = Readable | OneShot, Descriptor = number };
        if (epoll_ctl(_epoll, Add, number, in entry) != 0 && epoll_ctl(_epoll, Modify, number, in entry) != 0)
        {
            throw new IOException($"a descriptor cannot be watched: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>To be called before the descriptor is closed.</summary>
    public void Forget(SafeHandle descriptor)
    {
        int number = (int)descriptor.DangerousGetHandle();
        if (_watched.TryRemove(number, out _))
        {
            var entry = default(Entry);
            _ = epoll_ctl(_epoll, Delete, number, in entry);
        }
    }

    public void Dispose()
    {
        _ = eventfd_write(_wake, 1);
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
                int number = events[index].Descriptor;
                if (number == _wake)
                {
                    return;
                }

                if (_watched.TryGetValue(number, out var watched))
                {
                    watched.Told();
                }
            }
        }
    }

    /// <summary>struct epoll_event, which is packed on x86-64 alone.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Entry
    {
        public uint Events;
        public int Descriptor;
        private readonly int _unused;
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
