using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Native;

/// <summary>
/// What a connected stream socket takes and gives, by the system's own calls: the runtime's hand each arrival to a thread that waits for all sockets, and from there to one of the pool.
/// IOException with the error number when the connection is broken.
/// </summary>
public static unsafe partial class LocalSocket
{
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int PartsMax = 32;
    private const int Interrupted = 4;
    private const int WouldBlock = 11;
    private const short Readable = 1;

    /// <summary>Waits on this thread for the next bytes; 0 at the end, also when this side has shut the socket down.</summary>
    public static int Receive(SafeHandle socket, Span<byte> target)
    {
        var descriptor = (int)socket.DangerousGetHandle();
        while (true)
        {
            nint count;
            fixed (byte* bytes = target)
            {
                count = recv(descriptor, bytes, (nuint)target.Length, 0);
            }

            if (count >= 0)
            {
                return (int)count;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == WouldBlock)
            {
                // The runtime's calls make a socket one that does not wait.
                var wait = new Poll { Descriptor = descriptor, Events = Readable };
                _ = poll(ref wait, 1, -1);
            }
            else if (error != Interrupted)
            {
                throw DurableFiles.Failed(error);
            }
        }
    }

    /// <summary>Sends what the socket takes at once of the beginning; 0 when it takes nothing now.</summary>
    public static long TrySend(SafeHandle socket, in ReadOnlySequence<byte> source)
    {
        var descriptor = (int)socket.DangerousGetHandle();
        if (source.IsSingleSegment)
        {
            fixed (byte* bytes = source.FirstSpan)
            {
                var part = new Part { Bytes = bytes, Length = (nuint)source.FirstSpan.Length };
                return Send(descriptor, &part, 1);
            }
        }

        var parts = stackalloc Part[PartsMax];
        var pins = new MemoryHandle[PartsMax];
        var count = 0;
        foreach (var memory in source)
        {
            if (count == PartsMax)
            {
                break;
            }

            pins[count] = memory.Pin();
            parts[count] = new Part { Bytes = pins[count].Pointer, Length = (nuint)memory.Length };
            count++;
        }

        try
        {
            return Send(descriptor, parts, count);
        }
        finally
        {
            foreach (ref var pin in pins.AsSpan(0, count))
            {
                pin.Dispose();
            }
        }
    }

    private static long Send(int descriptor, Part* parts, int count)
    {
        var message = new Message { Parts = parts, PartsCount = (nuint)count };
        while (true)
        {
            var sent = sendmsg(descriptor, &message, DontWait | NoSignal);
            if (sent >= 0)
            {
                return sent;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    break;
                case WouldBlock:
                    return 0;
                case var error:
                    throw DurableFiles.Failed(error);
            }
        }
    }

    // struct pollfd of poll.h.
    private struct Poll
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    // struct iovec of sys/uio.h.
    private struct Part
    {
        public void* Bytes;
        public nuint Length;
    }

    // struct msghdr of sys/socket.h, as 64-bit Linux has it.
    private struct Message
    {
        public void* Name;
        public uint NameLength;
        public Part* Parts;
        public nuint PartsCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int descriptor, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(int descriptor, Message* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(ref Poll wait, nuint count, int timeout);
}
