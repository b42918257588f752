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
        writeBack.Run();
        File.WriteAllBytes(path, [1, 2, 3]);
        writeBack.Run();
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
    }

    [Fact]
    public void What_was_asked_for_before_the_end_and_comes_after_it_does_nothing()
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "aurae.db-wal");
        File.WriteAllBytes(path, [1, 2, 3]);
        var writeBack = new LogWriteBack(path);
        writeBack.Run();
        writeBack.Dispose();
        writeBack.Run();
    }
}
