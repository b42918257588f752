using Auraed.Cli.Assets;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Cli;

/// <summary>Small files that the command line writes whole.</summary>
public sealed class BlobFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_link_where_the_file_is_made_is_not_followed()
    {
        var (target, victim) = (_directory["index.caibx"], _directory["victim"]);
        await File.WriteAllTextAsync(victim, "not ours");
        File.CreateSymbolicLink(target + ".partial", victim);

        await BlobFile.WriteAsync(target, [1, 2, 3], CancellationToken.None);

        Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(target));
        Assert.Null(new FileInfo(target).LinkTarget);
        Assert.Equal("not ours", await File.ReadAllTextAsync(victim));
        Assert.False(File.Exists(target + ".partial"));
    }
}
