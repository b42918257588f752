using Auraed.Base;
using Auraed.Native;

namespace Auraed.Store;

/// <summary>
/// Puts a prepared file in the place of aurae.db and keeps the old one aside. Invariants: the caller holds the directory's lock and nobody
/// has the file open; until the marker stands nothing has happened, and once it stands every later open completes the swap first, so a
/// crash at any step leaves the old database whole or the new one whole.
/// <code>
/// aurae.db.swap   the marker: one line, the name of the directory beside it that takes the old file
/// aurae.db.next   the prepared file; gone once it has its place
/// </code>
/// </summary>
internal static class FileSwap
{
    private const string Marker = DatabaseFile.Name + ".swap";
    private const string Next = DatabaseFile.Name + ".next";

    public static string NextIn(string directory) => Path.Combine(Path.GetFullPath(directory), Next);

    /// <summary>The prepared file at <see cref="NextIn"/> takes its place; <paramref name="aside"/> is the plain name of the old one's directory.</summary>
    public static void Run(string directory, string aside)
    {
        DurableFiles.SyncFile(NextIn(directory));
        DurableFiles.SyncDirectory(directory);
        var marker = Path.Combine(directory, Marker);
        File.WriteAllText(marker + ".new", aside + "\n");
        CrashPoint.Reach("swap.prepared");
        DurableFiles.Publish(marker + ".new", marker);
        CrashPoint.Reach("swap.marked");
        Complete(directory);
    }

    /// <summary>Finishes a swap that a crash cut off; without one, does nothing.</summary>
    public static void Complete(string directory)
    {
        var marker = Path.Combine(directory, Marker);
        if (!File.Exists(marker))
        {
            return;
        }

        var aside = Path.Combine(directory, File.ReadAllText(marker).Trim());
        var current = DatabaseFile.PathIn(directory);
        var next = NextIn(directory);
        if (File.Exists(next))
        {
            _ = Directory.CreateDirectory(aside, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            DurableFiles.SyncDirectory(directory);
            // The log goes first: beside the new file it would be taken for that one's.
            Move(current + "-wal", aside);
            foreach (var segment in Journal.JournalFiles.List(directory))
            {
                Move(segment.Path, aside);
            }

            File.Delete(current + "-shm");
            CrashPoint.Reach("swap.log_moved");
            Move(current, aside);
            DurableFiles.SyncDirectory(aside);
            DurableFiles.SyncDirectory(directory);
            CrashPoint.Reach("swap.old_moved");
            File.Move(next, current);
            DurableFiles.SyncDirectory(directory);
            CrashPoint.Reach("swap.placed");
        }

        File.Delete(marker);
        DurableFiles.SyncDirectory(directory);
        CrashPoint.Reach("swap.done");
    }

    /// <summary>A name for what is set aside that sorts by time and is not taken.</summary>
    public static string AsideName(string directory, string why, TimeProvider time)
    {
        var stem = $"{why}-{time.GetUtcNow().UtcDateTime:yyyyMMdd'T'HHmmss'Z'}";
        var name = stem;
        for (var count = 2; Directory.Exists(Path.Combine(directory, name)); count++)
        {
            name = $"{stem}-{count}";
        }

        Invariant.Hold(!name.Contains('/', StringComparison.Ordinal));
        return name;
    }

    private static void Move(string path, string directory)
    {
        if (File.Exists(path))
        {
            File.Move(path, Path.Combine(directory, Path.GetFileName(path)));
        }
    }
}
