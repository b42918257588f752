using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Native;

/// <summary>Tells of files that were written to (inotify). Readable as a descriptor when there is something to tell.</summary>
public sealed partial class FileWatch : IDisposable
{
    /// <summary>The number that stands for files of which the kernel could not tell (IN_Q_OVERFLOW).</summary>
    public const int Overflow = -1;

    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const uint Modified = 0x2;
    private const int HeaderBytes = 16;
    private const int LengthOffset = 12;
    private const int BufferBytes = 16 * 1024;
    private readonly byte[] _buffer = new byte[BufferBytes];

    public FileWatch()
    {
        int descriptor = inotify_init1(CloseOnExec | NonBlocking);
        Descriptor = descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw new IOException($"files cannot be watched: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    public SafeFileHandle Descriptor { get; }

    /// <summary>A number for the file in <see cref="Read"/>; the same for the same file.</summary>
    public int Add(string path)
    {
        int number = inotify_add_watch((int)Descriptor.DangerousGetHandle(), path, Modified);
        return number >= 0 ? number : throw new IOException($"{path} cannot be watched: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    public void Remove(int number) => _ = inotify_rm_watch((int)Descriptor.DangerousGetHandle(), number);

    /// <summary>The numbers of the files that were written to since the last call; from one thread.</summary>
    public HashSet<int> Read()
    {
        var numbers = new HashSet<int>();
        nint count;
        while ((count = read((int)Descriptor.DangerousGetHandle(), _buffer, BufferBytes)) > 0)
        {
            for (int offset = 0; offset + HeaderBytes <= count;)
            {
                _ = numbers.Add(BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(offset)));
                offset += HeaderBytes + BinaryPrimitives.ReadInt32LittleEndian(_buffer.AsSpan(offset + LengthOffset));
            }
        }

        return numbers;
    }

    public void Dispose() => Descriptor.Dispose();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_init1(int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int inotify_add_watch(int descriptor, string path, uint mask);

    [LibraryImport("libc")]
    private static partial int inotify_rm_watch(int descriptor, int number);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int descriptor, [Out] byte[] buffer, nuint count);
}
