using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract;

/// <summary>What every chunk store does, whatever it is made of; each is the real one, with a real server behind it.</summary>
public abstract class ChunkStores : IAsyncLifetime
{
    /// <summary>A store that is empty, and reached.</summary>
    protected IChunkStore Store { get; private set; } = null!;

    public async Task InitializeAsync() => Store = await OpenAsync();

    public async Task DisposeAsync()
    {
        await Store.DisposeAsync();
        await CloseAsync();
    }

    [Fact]
    public async Task A_chunk_is_missing_until_it_is_written_and_then_comes_back_byte_for_byte()
    {
        foreach (var length in new[] { 1, 32 * 1024, (32 * 1024) + 1, 300_000 })
        {
            var (id, file) = Make(length);
            var target = new byte[length + 10];
            Assert.False(await Store.HasAsync(id, default));
            Assert.Equal(-1, await Store.ReadAsync(id, target, default));
            await Store.WriteAsync(id, file, replaces: false, default);
            Assert.True(await Store.HasAsync(id, default));
            Assert.Equal(length, await Store.ReadAsync(id, target, default));
            Assert.Equal(file, target[..length]);
        }

        await Store.FlushAsync(default);
    }

    [Fact]
    public async Task Writing_again_changes_nothing_and_replacing_does()
    {
        var (id, file) = Make(1000);
        await Store.WriteAsync(id, file, replaces: false, default);
        await Store.WriteAsync(id, file, replaces: false, default);
        var (_, other) = Make(500);
        await Store.WriteAsync(id, other, replaces: true, default);
        var target = new byte[1000];
        Assert.Equal(500, await Store.ReadAsync(id, target, default));
        Assert.Equal(other, target[..500]);
    }

    [Fact]
    public async Task A_file_that_is_longer_than_it_may_be_is_refused()
    {
        var (id, file) = Make(100_000);
        await Store.WriteAsync(id, file, replaces: false, default);
        var fault = await Assert.ThrowsAsync<Fault>(() => Store.ReadAsync(id, new byte[99_999], default));
        Assert.Equal(FaultKind.Corrupt, fault.Kind);
        Assert.Contains(Store.Name, fault.Message, StringComparison.Ordinal);
        Assert.Contains(id.ToString(), fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_is_missing_until_it_is_written_and_the_last_one_stays()
    {
        var name = IndexName.Parse("image-1.0.caibx", "index");
        Assert.Null(await Store.ReadIndexAsync(name, default));
        var (_, first) = Make(100_000);
        await Store.WriteIndexAsync(name, first, default);
        Assert.Equal(first, await Store.ReadIndexAsync(name, default));
        await Store.WriteIndexAsync(name, first.AsMemory(0, 10), default);
        Assert.Equal(first[..10], await Store.ReadIndexAsync(name, default));
    }

    [Fact]
    public async Task Many_callers_at_once_do_not_meet()
    {
        var chunks = Enumerable.Range(0, 60).Select(number => Make(2000 + (number * 1500))).ToArray();
        await Task.WhenAll(chunks.Concat(chunks).Select(chunk => Store.WriteAsync(chunk.Id, chunk.File, replaces: false, default)));
        await Task.WhenAll(chunks.Concat(chunks).Select(async chunk =>
        {
            var target = new byte[100_000];
            Assert.Equal(chunk.File.Length, await Store.ReadAsync(chunk.Id, target, default));
            Assert.True(target.AsSpan(0, chunk.File.Length).SequenceEqual(chunk.File));
        }));
    }

    [Fact]
    public async Task A_call_that_is_called_off_ends_and_the_store_goes_on()
    {
        var (id, file) = Make(200_000);
        await Store.WriteAsync(id, file, replaces: false, default);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.ReadIndexAsync(IndexName.Parse("a.caibx", "index"), new CancellationToken(canceled: true)));
        Assert.True(await Store.HasAsync(id, default));
    }

    protected abstract Task<IChunkStore> OpenAsync();

    protected virtual Task CloseAsync() => Task.CompletedTask;

    protected static (ChunkId Id, byte[] File) Make(int length)
    {
        var file = RandomNumberGenerator.GetBytes(length);
        return (ChunkDigest.Sha256.Compute(file), file);
    }
}

public sealed class DirectoryChunkStore : ChunkStores
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Files_lie_and_look_as_casyncs_do_and_nothing_else_is_left()
    {
        var (id, file) = Make(1000);
        await Store.WriteAsync(id, file, replaces: false, default);
        var path = Path.Combine(_directory["new.castr"], id.ToString()[..4], $"{id}.cacnk");
        Assert.Equal([path], Directory.GetFiles(_directory.Path, "*", SearchOption.AllDirectories));
        Assert.Equal(0, (int)File.GetUnixFileMode(path) & 0b011_011_011);
    }

    [Fact]
    public async Task What_another_wrote_is_synced_with_what_is_written()
    {
        var (id, file) = Make(1000);
        await Store.WriteAsync(id, file, replaces: false, default);
        await using var next = new DirectoryStore(_directory["new.castr"]);
        Assert.True(await next.HasAsync(id, default) && await next.CanSyncAsync(default));
        // A directory that is gone cannot be synced: it is asked for what was found.
        Directory.Delete(Path.Combine(_directory["new.castr"], id.ToString()[..4]), recursive: true);
        await Assert.ThrowsAsync<Fault>(() => next.FlushAsync(default));
    }

    protected override Task<IChunkStore> OpenAsync() => Task.FromResult<IChunkStore>(new DirectoryStore(_directory["new.castr"]));

    protected override Task CloseAsync()
    {
        _directory.Dispose();
        return Task.CompletedTask;
    }
}

public sealed class HttpChunkStore : ChunkStores
{
    private readonly TemporaryDirectory _directory = new();
    private HttpPeer? _server;

    protected override async Task<IChunkStore> OpenAsync()
    {
        _server = await HttpPeer.ServeAsync(_directory.Path);
        return new HttpStore(StoreLocation.Parse(_server.Location + "/deep/store.castr/"), new StoreOptions(), TimeProvider.System);
    }

    protected override async Task CloseAsync()
    {
        await _server!.DisposeAsync();
        _directory.Dispose();
    }
}

public sealed class SftpChunkStore : ChunkStores
{
    private SshServer? _server;

    [Fact]
    public async Task Files_are_read_only_under_their_names_and_nothing_else_is_left()
    {
        var (id, file) = Make(100_000);
        await Store.WriteAsync(id, file, replaces: false, default);
        await Store.WriteIndexAsync(IndexName.Parse("a.caibx", "index"), file, default);
        var path = Path.Combine(_server!["store"], id.ToString()[..4], $"{id}.cacnk");
        Assert.Equal([path, _server["store/a.caibx"]], Directory.GetFiles(_server["store"], "*", SearchOption.AllDirectories).OrderByDescending(found => found == path));
        Assert.Equal(0, (int)File.GetUnixFileMode(path) & 0b011_011_011);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_names_of_what_is_written_or_found_are_synced_by_a_flush(bool isFound)
    {
        var (id, file) = Make(1000);
        await Store.WriteAsync(id, file, replaces: false, default);
        await using var found = new SftpStore(StoreLocation.Parse(Location()), Options(), TimeProvider.System);
        Assert.True(await found.HasAsync(id, default) && await found.CanSyncAsync(default));
        var store = isFound ? found : Store;
        await store.FlushAsync(default);
        Assert.True(await store.HasAsync(id, default));
        // A directory that is gone cannot be synced: it is asked for.
        Directory.Delete(Path.Combine(_server!["store"], id.ToString()[..4]), recursive: true);
        Assert.Contains(id.ToString()[..4], (await Assert.ThrowsAsync<Fault>(() => store.FlushAsync(default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_cannot_sync_says_so_and_keeps_chunks_all_the_same()
    {
        await using var server = await SshServer.StartAsync("internal-sftp -P fsync");
        Directory.CreateDirectory(server["store"]);
        var location = StoreLocation.Parse($"sftp://{Environment.UserName}@127.0.0.1:{server.Port}{server["store"]}");
        await using var store = new SftpStore(
            location, new StoreOptions { IdentityFile = server.IdentityFile, KnownHostsFile = server.KnownHostsFile, ConfigurationFile = server.ConfigurationFile }, TimeProvider.System);
        Assert.False(await store.CanSyncAsync(default));
        var (id, file) = Make(1000);
        await store.WriteAsync(id, file, replaces: false, default);
        await store.FlushAsync(default);
        await store.WriteIndexAsync(IndexName.Parse("a.caibx", "index"), file, default);
        Assert.True(await store.HasAsync(id, default));
    }

    [Fact]
    public async Task A_session_that_ends_is_opened_again()
    {
        var (id, file) = Make(1000);
        await Store.WriteAsync(id, file, replaces: false, default);
        Assert.Equal(1, Sessions());
        foreach (var session in Tool.Run("pgrep", "-f", _server!["known_hosts"]).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Tool.Run("kill", session).Succeeded();
        }

        var retry = new StoreRetry(TimeProvider.System);
        Assert.True(await retry.RunAsync(() => Store.HasAsync(id, default), default));
        Assert.Equal(2, Sessions());
    }

    [Fact]
    public async Task A_host_or_a_key_that_is_not_known_is_refused_with_what_ssh_says()
    {
        await using var strangers = new SftpStore(StoreLocation.Parse(Location()), Options() with { KnownHostsFile = "/dev/null" }, TimeProvider.System);
        var fault = await Assert.ThrowsAsync<Fault>(() => strangers.HasAsync(Make(1).Id, default));
        Assert.Contains("Host key verification failed", fault.Message, StringComparison.Ordinal);
        await using var nobody = new SftpStore(StoreLocation.Parse(Location()), Options() with { IdentityFile = _server!["host"] }, TimeProvider.System);
        fault = await Assert.ThrowsAsync<Fault>(() => nobody.HasAsync(Make(1).Id, default));
        Assert.Contains("Permission denied", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_is_not_there_or_speaks_no_sftp_is_named()
    {
        await using var absent = new SftpStore(StoreLocation.Parse(Location()), Options() with { SshProgram = "/nowhere/ssh" }, TimeProvider.System);
        var fault = await Assert.ThrowsAsync<Fault>(() => absent.HasAsync(Make(1).Id, default));
        Assert.Contains("/nowhere/ssh cannot be started", fault.Message, StringComparison.Ordinal);
        await using var chatty = new SftpStore(StoreLocation.Parse(Location()), Options() with { SshProgram = "echo" }, TimeProvider.System);
        fault = await Assert.ThrowsAsync<Fault>(() => chatty.HasAsync(Make(1).Id, default));
        Assert.Contains("does not speak SFTP", fault.Message, StringComparison.Ordinal);
    }

    protected override async Task<IChunkStore> OpenAsync()
    {
        _server = await SshServer.StartAsync();
        Directory.CreateDirectory(_server["store"]);
        return new SftpStore(StoreLocation.Parse(Location()), Options(), TimeProvider.System);
    }

    protected override async Task CloseAsync() => await _server!.DisposeAsync();

    private string Location() => $"sftp://{Environment.UserName}@127.0.0.1:{_server!.Port}{_server["store"]}";

    private StoreOptions Options() =>
        new() { IdentityFile = _server!.IdentityFile, KnownHostsFile = _server.KnownHostsFile, ConfigurationFile = _server.ConfigurationFile };

    private int Sessions() => _server!.Output.Split("Accepted publickey").Length - 1;
}

public sealed class S3ChunkStore : ChunkStores
{
    private S3Server? _server;

    [Fact]
    public async Task Objects_lie_as_desyncs_do()
    {
        var (id, file) = Make(1000);
        await Store.WriteAsync(id, file, replaces: false, default);
        await Eventually.HoldsAsync(
            () => _server!.Requests.Contains($"PUT /chunks/pre%20fix/deep/{id.ToString()[..4]}/{id}.cacnk 200 application/zstd")
                || _server.Requests.Contains($"PUT /chunks/pre fix/deep/{id.ToString()[..4]}/{id}.cacnk 200 application/zstd"), "the object's path and type: " + string.Join(", ", _server!.Requests));
    }

    [Fact]
    public async Task A_wrong_key_and_a_wrong_bucket_are_told_apart_from_a_missing_chunk()
    {
        var options = new StoreOptions { CredentialsFile = _server!.CredentialsFile, CredentialsProfile = "other" };
        await using var stranger = Auraed.Chunks.Stores.ChunkStores.Open(StoreLocation.Parse(_server.Location), options, TimeProvider.System);
        Assert.Equal(FaultKind.Denied, (await Assert.ThrowsAsync<Fault>(() => stranger.ReadAsync(Make(1).Id, new byte[10], default))).Kind);
        await using var nowhere = Auraed.Chunks.Stores.ChunkStores.Open(
            StoreLocation.Parse(_server.Location + "-other"), new StoreOptions { CredentialsFile = _server.CredentialsFile }, TimeProvider.System);
        var fault = await Assert.ThrowsAsync<Fault>(() => nowhere.ReadAsync(Make(1).Id, new byte[10], default));
        Assert.Contains("no such bucket", fault.Message, StringComparison.Ordinal);
    }

    protected override async Task<IChunkStore> OpenAsync()
    {
        _server = await S3Server.StartAsync();
        return Auraed.Chunks.Stores.ChunkStores.Open(
            StoreLocation.Parse(_server.Location + "/pre%20fix/deep"), new StoreOptions { CredentialsFile = _server.CredentialsFile }, TimeProvider.System);
    }

    protected override async Task CloseAsync() => await _server!.DisposeAsync();
}
