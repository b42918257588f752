using System.Globalization;
using System.Runtime.InteropServices;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Supervise;

/// <summary>
/// What process 1 of a container owes the others: those whose parent has ended become its children, and nobody else collects them. Its own children are collected
/// by who started them, within milliseconds; what is still a zombie at the second look, a second later, is an orphan.
/// </summary>
public sealed class OrphanReaper(TimeProvider time)
{
    /// <summary>Whether orphans come to this process: as process 1, or as the subreaper that whoever executed it has made it (PR_SET_CHILD_SUBREAPER).</summary>
    public static bool IsNeeded => Environment.ProcessId == 1 || ProcessDescriptor.IsSubreaper;

    /// <summary>Until cancelled. Sleeps until a child ends.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var ended = new SemaphoreSlim(1);
        using PosixSignalRegistration told = PosixSignalRegistration.Create(PosixSignal.SIGCHLD, _ => Release(ended));
        var before = new HashSet<(int Id, ulong Ticks)>();
        try
        {
            while (true)
            {
                if (before.Count == 0)
                {
                    await ended.WaitAsync(cancel).ConfigureAwait(false);
                }

                await Task.Delay(Limits.OrphanLookInterval, time, cancel).ConfigureAwait(false);
                var zombies = Zombies().ToHashSet();
                foreach ((int id, _) in zombies.Where(before.Contains))
                {
                    ProcessDescriptor.Reap(id);
                }

                zombies.ExceptWith(before);
                before = zombies;
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    private static void Release(SemaphoreSlim ended)
    {
        try
        {
            _ = ended.CurrentCount == 0 ? ended.Release() : 0;
        }
        catch (ObjectDisposedException)
        {
            // A last word after the end.
        }
    }

    private static IEnumerable<(int Id, ulong Ticks)> Zombies()
    {
        int own = Environment.ProcessId;
        foreach (string path in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(path.AsSpan("/proc/".Length), CultureInfo.InvariantCulture, out int id) && ProcessFiles.Start(id) is { IsZombie: true } start && ProcessFiles.ParentOf(id) == own)
            {
                yield return (id, start.Ticks);
            }
        }
    }
}
