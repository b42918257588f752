using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>
/// Standard output, or standard error, as bytes. The runtime's own stream takes what a reader that went away did not read for written; this one throws a
/// <see cref="StandardOutputException"/>, at each call from the first failure on, and moves the file's position as others that share it expect.
/// </summary>
/// <param name="descriptor"><see cref="Output"/> or <see cref="Error"/>.</param>
public sealed partial class StandardOutput(int descriptor = StandardOutput.Output) : Stream
{
    public const int Output = 1;
    public const int Error = 2;

    /// <summary>EPIPE: whoever read the other end is gone.</summary>
    public const int BrokenPipe = 32;

    private const int Interrupted = 4;
    private const int WouldBlock = 11;
    private const short Writable = 4;
    private const short Broken = 8;

    private StandardOutputException? _failure;

    /// <summary>True when whoever read the other end of a pipe is gone, so that nobody gets what is written, or what was.</summary>
    public bool IsReaderGone
    {
        get
        {
            var look = new Poll { Descriptor = descriptor };
            return poll(ref look, 1, 0) > 0 && (look.Returned & Broken) != 0;
        }
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Flush();
        while (buffer.Length > 0)
        {
            var count = write(descriptor, in MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (count >= 0)
            {
                buffer = buffer[(int)count..];
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == WouldBlock)
            {
                // Whoever shares the terminal or pipe has set it so.
                var wait = new Poll { Descriptor = descriptor, Events = Writable };
                _ = poll(ref wait, 1, -1);
            }
            else if (error != Interrupted)
            {
                _failure = new StandardOutputException(Marshal.GetPInvokeErrorMessage(error), error);
                Flush();
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

    /// <summary>Nothing is held back; what could not be written is told again.</summary>
    public override void Flush()
    {
        if (_failure is { } failure)
        {
            throw new StandardOutputException(failure.Message, failure.HResult);
        }
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
