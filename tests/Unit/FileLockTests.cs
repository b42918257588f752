using Auraed.Native;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit;

/// <summary>One holder at a time, and none once it let go, whoever still shares the open file.</summary>
public sealed class FileLockTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Path => _directory["file"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_is_held_is_refused_to_another()
    {
        using (FileLock.TryTake(Path))
        {
            Assert.Null(FileLock.TryTake(Path));
        }

        using var next = FileLock.TryTake(Path);
        Assert.NotNull(next);
    }

    [Fact]
    public void What_is_given_up_is_free_while_a_forked_child_shares_it()
    {
        using var child = new ForkedShare();
        using (FileLock.TryTake(Path))
        {
            child.Add(Path);
            Assert.Equal(1, child.Count);
        }

        using var next = FileLock.TryTake(Path);
        Assert.NotNull(next);
    }
}
