using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>The three standard descriptors as whoever started this process gave them.</summary>
public static partial class StandardDescriptors
{
    private const int Count = 3;
    private const int GetFlags = 1;
    private const int OpenRead = 0;
    private const int OpenWrite = 1;
    private const int AccessMode = 3;
    private const long CloseOnExecution = 0x80000;

    /// <summary>
    /// Takes the numbers of those that were closed, so that no file of this process gets one and is written into by whoever means standard error. What stands there then can be used
    /// for nothing: input cannot be read, output cannot be written (EBADF, as for a closed one). To be called before anything is opened.
    /// </summary>
    public static void Reserve()
    {
        for (var descriptor = 0; descriptor < Count; descriptor++)
        {
            // The lowest free number is the one that open takes.
            if (fcntl(descriptor, GetFlags) < 0)
            {
                _ = open("/dev/null", descriptor == 0 ? OpenWrite : OpenRead);
            }
        }
    }

    /// <summary>
    /// False for a descriptor that was closed when this process began: it cannot be used as it should be, or it is a file of the runtime's own, which it marks to be closed on
    /// execution; what was inherited cannot be marked so.
    /// </summary>
    public static bool IsGiven(int descriptor)
    {
        try
        {
            var text = File.ReadLines($"/proc/self/fdinfo/{descriptor}").FirstOrDefault(line => line.StartsWith("flags:", StringComparison.Ordinal))?["flags:".Length..].Trim();
            if (text is null)
            {
                return true;
            }

            var flags = Convert.ToInt64(text, 8);
            return (flags & CloseOnExecution) == 0 && (flags & AccessMode) != (descriptor == 0 ? OpenWrite : OpenRead);
        }
        catch (IOException)
        {
            return false;
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);
}
