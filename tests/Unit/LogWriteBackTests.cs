using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit;

/// <summary>Writing the log back early is a help and no promise: it fails nobody.</summary>
public sealed class LogWriteBackTests
{
    [Fact]
    public void A_log_that_comes_later_is_found_then_and_left_as_it_is()
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "aurae.db-wal");
        using var writeBack = new LogWriteBack(path);
        writeBack.Start();
        File.WriteAllBytes(path, [1, 2, 3]);
        writeBack.Start();
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
    }
}
