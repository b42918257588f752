using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>
/// Standard output as bytes. The runtime's own stream takes what a reader that went away did not read for written; this one throws an IOException with the error number
/// (<see cref="BrokenPipe"/>), and moves the file's position as others that share it expect.
/// </summary>
public sealed partial class StandardOutput : Stream
{
    /// <summary>EPIPE: whoever read the other end is gone.</summary>
    public const int BrokenPipe = 32;

    private const int Descriptor = 1;
    private const int Interrupted = 4;
    private const int WouldBlock = 11;
    private const short Writable = 4;
    private const long CloseOnExecution = 0x80000;

    /// <summary>
    /// False for one of the three standard descriptors that was closed when this process began. Its number is the first that the runtime takes for a file of its own, which it marks
    /// to be closed on execution; what was inherited cannot be marked so.
    /// </summary>
    public static bool IsGiven(int descriptor)
    {
        try
        {
            var flags = File.ReadLines($"/proc/self/fdinfo/{descriptor}").FirstOrDefault(line => line.StartsWith("flags:", StringComparison.Ordinal))?["flags:".Length..].Trim();
            return flags is null || (Convert.ToInt64(flags, 8) & CloseOnExecution) == 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            var count = write(Descriptor, in MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (count >= 0)
            {
                buffer = buffer[(int)count..];
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == WouldBlock)
            {
                // Whoever shares the terminal or pipe has set it so.
                var wait = new Poll { Descriptor = Descriptor, Events = Writable };
                _ = poll(ref wait, 1, -1);
            }
            else if (error != Interrupted)
            {
                throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override void Flush()
    {
        // Nothing is held back.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [StructLayout(LayoutKind.Sequential)]
    private struct Poll
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, in byte buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(ref Poll wait, nuint count, int milliseconds);
}
