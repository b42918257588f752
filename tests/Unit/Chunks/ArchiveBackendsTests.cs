using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Domain.Assets;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Chunks;

/// <summary>A chunk is looked for in one backend after the other until one has it.</summary>
public sealed class ArchiveBackendsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestAsset _asset = new(CasyncInputs.Make("rand-16k"));

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("lacking", "lacking")]
    [InlineData("lying", "lacking")]
    [InlineData("lacking", "lying")]
    [InlineData("lying", "lying")]
    public async Task The_third_backend_is_asked_whatever_the_first_two_said(string first, string second)
    {
        await using var good = new DirectoryStore(_directory["good"]);
        await _asset.PushAsync(good);
        await using var backends = Open(("a", first), ("b", second), ("c", "good"));
        var (file, backend) = await FetchAsync(backends);
        Assert.Equal("c", backend);
        Assert.Equal(_asset.FileOf(0), file.ToArray());
    }

    [Theory]
    [InlineData("lying", "lacking", FaultKind.Corrupt)]
    [InlineData("lacking", "lying", FaultKind.Corrupt)]
    [InlineData("lacking", "lacking", FaultKind.NotFound)]
    public async Task A_backend_that_failed_is_named_before_one_that_lacks_the_chunk(string first, string second, FaultKind kind)
    {
        await using var backends = Open(("a", first), ("b", second));
        Assert.Equal(kind, (await Assert.ThrowsAsync<Fault>(() => FetchAsync(backends))).Kind);
    }

    private Task<(ReadOnlyMemory<byte> File, string Backend)> FetchAsync(ArchiveBackends backends) =>
        backends.FetchAsync(_asset.Index[0].Id, _asset.Index[0].Length, ["a"], alsoOthers: true, CancellationToken.None);

    private ArchiveBackends Open(params (string Name, string Directory)[] backends)
    {
        var wrong = Path.Combine(_directory["lying"], ChunkFile.PathOf(_asset.Index[0].Id));
        Directory.CreateDirectory(Path.GetDirectoryName(wrong)!);
        File.WriteAllText(wrong, "something else");
        return new ArchiveBackends(
            [.. backends.Select(backend => new ArchiveBackend(backend.Name, StoreLocation.Parse(_directory[backend.Directory]), new StoreOptions(), IsReadOnly: false))], TimeProvider.System);
    }
}
