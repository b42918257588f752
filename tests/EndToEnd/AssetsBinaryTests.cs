using System.Text.Json;
using Aurae.Assets.V0;
using Auraed.Tests.Support;
using Grpc.Core;

namespace Auraed.Tests.EndToEnd;

/// <summary>Transfers through the shipped binary whose daemon is killed in their midst: what is said, what it exits with, and that the same command goes on.</summary>
public sealed class AssetsBinaryTests : IDisposable
{
    private const int Size = 64 << 20;
    private const int Unavailable = 13;
    private const int BrokenPipe = 141;

    private readonly BinaryHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_put_whose_daemon_is_killed_says_so_and_the_same_command_goes_on()
    {
        var bytes = AssetHost.Random(1, Size);
        var file = _host.Fixture["a.img"];
        await File.WriteAllBytesAsync(file, bytes);
        var index = AssetHost.Index(bytes);
        await using (var daemon = await _host.StartAsync())
        {
            await using var put = ChildProcess.Start(_host.Root, PublishedBinary.Path, "assets", "put", file, "--root", _host.Root);
            using (var channel = _host.Fixture.Open())
            {
                var assets = new AssetService.AssetServiceClient(channel);
                await Eventually.HoldsAsync(async () => await DurableAsync(assets, "index-" + index.FileDigest()) > 1_000_000, "the upload is under way");
                daemon.Kill();
            }

            Assert.Equal(Unavailable, await put.WaitForExitAsync());
            Said(put.Output, "nothing that the daemon acknowledged is lost", $"auraed health --root {_host.Root}; then the same command again goes on where this one stopped");
        }

        await using var back = await _host.StartAsync();
        var again = JsonDocument.Parse(_host.Run("assets", "put", file, "--output", "json").Succeeded()).RootElement;
        Assert.InRange(again.GetProperty("sent_chunks").GetInt64(), 1, index.Count - 10);
        var id = again.GetProperty("id").GetString()!;
        Assert.Equal(index.FileDigest().ToString(), id);
        _host.Run("assets", "get", id, _host.Fixture["b.img"]).Succeeded();
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_host.Fixture["b.img"]));
        Assert.Contains(AssetHost.Digest(bytes), Shell($"set -o pipefail; {Auraed} assets get {id} - --root {_host.Root} | sha256sum").Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_put_out_of_a_pipe_whose_daemon_is_killed_says_that_it_begins_anew()
    {
        await using var daemon = await _host.StartAsync();
        await using var put = ChildProcess.Start(_host.Root, "/bin/bash", "-c", $"yes | {Auraed} assets put - --root {_host.Root}");
        using (var channel = _host.Fixture.Open())
        {
            var assets = new AssetService.AssetServiceClient(channel);
            await Eventually.HoldsAsync(async () => (await assets.StatsAsync(new AssetStatsRequest())).Tenants.Any(tenant => tenant.Sums.UploadCount > 0), "the upload is under way");
            daemon.Kill();
        }

        Assert.Equal(Unavailable, await put.WaitForExitAsync());
        Said(put.Output, "what came by a pipe is not gone on with", "the same command again begins anew, so give it its input from the beginning");
    }

    [Fact]
    public async Task A_reader_that_has_enough_of_an_asset_ends_it_and_a_full_disk_is_named()
    {
        await using var daemon = await _host.StartAsync();
        var file = _host.Fixture["a.img"];
        await File.WriteAllBytesAsync(file, AssetHost.Random(2, 4_000_000));
        _host.Run("assets", "put", file, "--tag", "a").Succeeded();
        var enough = Shell($"{Auraed} assets get a - --root {_host.Root} | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}");
        Assert.Equal(($"{BrokenPipe}\n", ""), (enough.Succeeded(), enough.Error));
        var full = Shell($"{Auraed} assets get a - --root {_host.Root} >/dev/full");
        Assert.Equal(12, full.Code);
        Assert.Contains("cannot be written to standard output: No space left on device", full.Error, StringComparison.Ordinal);

        // What shares the file goes on behind it.
        Shell($"(echo -n start; {Auraed} assets get a - --root {_host.Root}; echo -n end) >{_host.Fixture["all"]}").Succeeded();
        var bytes = await File.ReadAllBytesAsync(file);
        Assert.Equal([.. "start"u8, .. bytes, .. "end"u8], File.ReadAllBytes(_host.Fixture["all"]));
    }

    private static string Auraed => PublishedBinary.Path;

    private static Tool Shell(string line) => Tool.Run("/bin/bash", "-c", line);

    private static async Task<long> DurableAsync(AssetService.AssetServiceClient assets, string upload)
    {
        try
        {
            return (await assets.GetUploadAsync(new GetUploadRequest { UploadId = upload })).DurableSize;
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.NotFound)
        {
            return 0;
        }
    }

    private void Said(string output, params string[] words)
    {
        Assert.Contains($"the connection to {_host.Fixture.SocketPath} was lost before the answer came", output, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, output, StringComparison.Ordinal));
    }
}
