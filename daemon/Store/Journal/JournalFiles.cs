using System.Globalization;
using Auraed.Base;
using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Store.Journal;

/// <summary>The name of one segment.</summary>
internal sealed record SegmentName(string Path, long Epoch, uint Number);

/// <summary>
/// Every touch of a journal's files, so that fault tests can stand in between. What the disk refuses is a Fault: DISK_FULL for want of space,
/// DISK_FAILED for the rest.
/// </summary>
internal class JournalFiles
{
    private const string Stem = DatabaseFile.StemName + ".journal-";
    private const string Spare = Stem + "spare";

    public static JournalFiles Default { get; } = new();

    public static string PathOf(string directory, long epoch, uint number) =>
        Path.Combine(Path.GetFullPath(directory), string.Create(CultureInfo.InvariantCulture, $"{Stem}{epoch:D6}-{number:D6}"));

    /// <summary>An emptied segment whose blocks are used again, as writing over blocks costs the disk less than taking new ones.</summary>
    /// <param name="directory">The library's.</param>
    /// <param name="index">0 to one less than <see cref="Limits.StoreJournalSparesMax"/>.</param>
    public static string SparePathOf(string directory, int index) =>
        Path.Combine(Path.GetFullPath(directory), index == 0 ? Spare : string.Create(CultureInfo.InvariantCulture, $"{Spare}-{index + 1}"));

    /// <summary>All that there may be.</summary>
    public static IEnumerable<string> SparePathsOf(string directory) => Enumerable.Range(0, Limits.StoreJournalSparesMax).Select(index => SparePathOf(directory, index));

    /// <summary>The segments in a directory, by epoch and number.</summary>
    public static List<SegmentName> List(string directory)
    {
        var found = new List<SegmentName>();
        if (!Directory.Exists(directory))
        {
            return found;
        }

        foreach (var path in Directory.EnumerateFiles(Path.GetFullPath(directory), Stem + "*"))
        {
            var parts = Path.GetFileName(path)[Stem.Length..].Split('-');
            if (parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
                && uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                found.Add(new SegmentName(path, epoch, number));
            }
        }

        return [.. found.OrderBy(name => name.Epoch).ThenBy(name => name.Number)];
    }

    /// <summary>A new file of this many bytes, all of whose blocks are the file's already, where the file system can do that: then no write to it can want for space.</summary>
    public virtual SafeFileHandle Create(string path, long bytes) => Guard(path, () =>
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            if (!FileRanges.TryReserve(file, 0, bytes))
            {
                RandomAccess.SetLength(file, bytes);
            }

            return file;
        }
        catch
        {
            file?.Dispose();
            File.Delete(path);
            throw;
        }
    });

    public virtual SafeFileHandle Open(string path) => Guard(path, () => File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read));

    public virtual void Write(SafeFileHandle file, string path, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (IOException failed)
        {
            throw Refused(path, failed);
        }
    }

    /// <summary>Makes what was written durable. A failure is final: nobody knows what the disk kept.</summary>
    public virtual void Sync(SafeFileHandle file, string path) => DurableFiles.SyncData(file, path);

    public virtual void Rename(string from, string to) => _ = Guard(from, () =>
    {
        File.Move(from, to, overwrite: true);
        return 0;
    });

    public virtual void Delete(string path) => _ = Guard(path, () =>
    {
        File.Delete(path);
        return 0;
    });

    /// <summary>Makes names durable.</summary>
    public virtual void SyncDirectory(string directory) => DurableFiles.SyncDirectory(directory);

    private static T Guard<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception refused) when (FileFaults.Is(refused))
        {
            throw Refused(path, refused);
        }
    }

    private static Fault Refused(string path, Exception cause) => FileFaults.IsFull(cause)
        ? DiskFull(cause)
        : new Fault(FaultKind.Internal, $"{path} cannot be written: {cause.Message}", hint: "check the disk: dmesg", cause: cause) { Reason = "DISK_FAILED" };

    /// <summary>The fault of a disk without room.</summary>
    protected static Fault DiskFull(Exception? cause) =>
        new(FaultKind.Exhausted, "the journal cannot grow: the disk is full", hint: "free space on the file system of the library directory", cause: cause) { Reason = "DISK_FULL" };
}
