using System.Globalization;
using Auraed.Supervise;
using Auraed.Tests.Support;

namespace Auraed.Tests.EndToEnd;

/// <summary>The shipped binary as process 1 of a process table, as it is in a container without an init.</summary>
public sealed class FirstProcessTests : IDisposable
{
    private readonly BinaryHost _host = new();

    [Fact]
    public async Task Orphans_are_collected_and_its_own_children_are_told()
    {
        await using var outer = ChildProcess.Start(_host.Root, "unshare", ["--pid", "--fork", "--mount-proc", "--kill-child", .. PublishedBinary.Daemon(_host.Root)]);
        await Eventually.HoldsAsync(() => _host.Run("health").Code == 0, "the daemon is healthy");
        var daemon = ChildrenOf(outer.Id).Single();
        // Its parent, a shell, ends at once; it ends a moment later.
        _host.Run("cells", "allocate", "c").Succeeded();
        _host.Run("cells", "start", "c", "maker", "--command", "(sleep 5.5 &) ; exec sleep 1000").Succeeded();
        var orphan = 0;
        await Eventually.HoldsAsync(() => (orphan = ChildrenOf(daemon).FirstOrDefault(IsOrphan)) != 0, "the orphan is the daemon's");
        await Eventually.HoldsAsync(() => !Directory.Exists($"/proc/{orphan}"), "the orphan has been collected");
        _host.Run("cells", "stop", "c", "maker").Succeeded();
        _host.Run("cells", "free", "c").Succeeded();
        Assert.Empty(ChildrenOf(daemon));
    }

    public void Dispose() => _host.Dispose();

    private static bool IsOrphan(int process)
    {
        try
        {
            // The shell that makes it names it too.
            return File.ReadAllText($"/proc/{process}/cmdline") == "sleep\05.5\0";
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static IEnumerable<int> ChildrenOf(int parent) => Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
        .Where(name => char.IsAsciiDigit(name![0])).Select(name => int.Parse(name!, CultureInfo.InvariantCulture)).Where(id => ProcessFiles.ParentOf(id) == parent);
}
