using System.Security.Cryptography;
using Aurae.Assets.V0;
using Auraed.Chunks;
using Auraed.Host;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using ChunkSizes = Auraed.Chunks.ChunkSizes;

namespace Auraed.Tests.Support;

/// <summary>A daemon in this process over real sockets and a real file, and a client of its assets.</summary>
internal sealed class AssetHost : IAsyncDisposable
{
    public const int MessageBytes = 200_000;

    private readonly GrpcChannel _channel;

    private AssetHost(DaemonFixture fixture, DaemonHost daemon)
    {
        Fixture = fixture;
        Daemon = daemon;
        _channel = fixture.Open();
        Assets = new AssetService.AssetServiceClient(_channel);
        Records = new Aurae.Records.V0.RecordService.RecordServiceClient(_channel);
    }

    public DaemonFixture Fixture { get; }

    public DaemonHost Daemon { get; }

    public Auraed.Store.Database Database => Daemon.Parts.Database;

    public AssetService.AssetServiceClient Assets { get; }

    public Aurae.Records.V0.RecordService.RecordServiceClient Records { get; }

    /// <param name="flags">Settings beyond the defaults.</param>
    public static async Task<AssetHost> StartAsync(params (string Key, string Value)[] flags)
    {
        var fixture = new DaemonFixture();
        return new AssetHost(fixture, await fixture.StartAsync(flags));
    }

    /// <summary>Stops, and starts again on the same file.</summary>
    public async Task<AssetHost> RestartAsync(params (string Key, string Value)[] flags)
    {
        _channel.Dispose();
        await Daemon.DisposeAsync();
        return new AssetHost(Fixture, await Fixture.StartAsync(flags));
    }

    /// <summary>Stops, has the file changed, and starts again on it.</summary>
    public async Task<AssetHost> RestartAsync(Action<FileStream> change, params (string Key, string Value)[] flags)
    {
        var path = Database.Path;
        _channel.Dispose();
        await Daemon.DisposeAsync();
        using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite))
        {
            change(file);
        }

        return new AssetHost(Fixture, await Fixture.StartAsync(flags));
    }

    /// <summary>The first column of a statement's rows.</summary>
    public Task<List<string>> TextsAsync(string sql) => Database.ReadAsync(
        unit =>
        {
            var select = unit.Prepare(sql);
            var texts = new List<string>();
            while (select.Step())
            {
                texts.Add(select.Text(0));
            }

            select.Reset();
            return texts;
        },
        CancellationToken.None);

    public static byte[] Random(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Text of few words, which compresses well.</summary>
    public static byte[] Compressible(int seed, int length)
    {
        var random = new Random(seed);
        string[] words = [.. Enumerable.Range(0, 300).Select(index => $"word{random.Next(100_000)} ")];
        var bytes = new byte[length];
        for (var place = 0; place < length;)
        {
            var word = System.Text.Encoding.ASCII.GetBytes(words[random.Next(words.Length)]);
            var count = Math.Min(word.Length, length - place);
            word.AsSpan(0, count).CopyTo(bytes.AsSpan(place));
            place += count;
        }

        return bytes;
    }

    public static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>The index that casync would write.</summary>
    public static AssetIndex Index(byte[] bytes, ChunkSizes? sizes = null) => ParallelChunker.Index(
        (offset, buffer) =>
        {
            bytes.AsSpan((int)offset, buffer.Length).CopyTo(buffer);
            return buffer.Length;
        },
        bytes.Length,
        sizes ?? ChunkSizes.Default,
        ChunkDigest.Sha256,
        workers: 1);

    public static string Caid(byte[] bytes, ChunkSizes? sizes = null) => Index(bytes, sizes).FileDigest().ToString();

    /// <summary>Sends plain bytes.</summary>
    public async Task<UploadResponse> PutAsync(byte[] bytes, UploadHeader? header = null, UploadCommit? commit = null)
    {
        using var call = Assets.Upload();
        header ??= new UploadHeader();
        await SendAsync(call, Steps(bytes, header, commit));
        return await call.ResponseAsync;
    }

    /// <summary>A call that the daemon has ended takes no more messages; why it did is what its answer says.</summary>
    public static async Task SendAsync(AsyncClientStreamingCall<UploadRequest, UploadResponse> call, IEnumerable<UploadRequest> steps)
    {
        try
        {
            foreach (var step in steps)
            {
                await call.RequestStream.WriteAsync(step);
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (Exception failure) when (failure is RpcException or InvalidOperationException)
        {
            await call.ResponseAsync;
            throw;
        }
    }

    private static IEnumerable<UploadRequest> Steps(byte[] bytes, UploadHeader header, UploadCommit? commit)
    {
        yield return new UploadRequest { Header = header };
        for (var place = (int)Math.Max(0, header.Offset); place < bytes.Length; place += MessageBytes)
        {
            yield return new UploadRequest { Data = ByteString.CopyFrom(bytes.AsSpan(place, Math.Min(MessageBytes, bytes.Length - place))) };
        }

        yield return new UploadRequest { Commit = commit ?? new UploadCommit { Size = bytes.Length, Sha256 = Digest(bytes) } };
    }

    /// <summary>Asks what is missing, sends that, and refers to the rest.</summary>
    public async Task<(UploadResponse Response, int Sent)> PutChunksAsync(byte[] bytes, string tenant = "", Func<Chunk, Chunk>? change = null, UploadCommit? commit = null)
    {
        var index = Index(bytes);
        var asked = new MissingChunksRequest { Tenant = tenant };
        asked.Ids.AddRange(index.Ids.ToArray().Select(id => ByteString.CopyFrom(id.ToByteArray())));
        var missing = (await Assets.MissingChunksAsync(asked)).Missing.ToHashSet();
        using var call = Assets.Upload();
        await SendAsync(call, [
            new UploadRequest { Header = new UploadHeader { Tenant = tenant } },
            .. Enumerable.Range(0, index.Count).Select(number => ToChunk(bytes, index[number], missing.Contains((uint)number)))
                .Select(chunk => new UploadRequest { Chunks = new ChunkBatch { Chunks = { change?.Invoke(chunk) ?? chunk } } }),
            new UploadRequest { Commit = commit ?? new UploadCommit { Size = bytes.Length, Sha256 = Digest(bytes), Id = Caid(bytes) } },
        ]);
        return (await call.ResponseAsync, missing.Count);
    }

    public static Chunk ToChunk(byte[] bytes, AssetChunk chunk, bool withFrame)
    {
        var content = bytes.AsSpan((int)chunk.Offset, chunk.Length);
        return new Chunk { Id = ByteString.CopyFrom(chunk.Id.ToByteArray()), Size = (uint)chunk.Length, Frame = withFrame ? ByteString.CopyFrom(Frame(content)) : ByteString.Empty };
    }

    public static byte[] Frame(ReadOnlySpan<byte> content)
    {
        using var file = new ChunkFile();
        var frame = new byte[ChunkFile.BytesMax(content.Length)];
        return frame[..file.Write(content, frame)];
    }

    /// <summary>A frame (RFC 8878) of blocks that are not compressed, behind some of no bytes.</summary>
    public static byte[] RawFrame(ReadOnlySpan<byte> content, int emptyBlocks = 0)
    {
        const int blockBytes = 10_000;
        // Magic, a descriptor that says one segment of so many bytes.
        List<byte> frame = [0x28, 0xB5, 0x2F, 0xFD, 0xA0, .. BitConverter.GetBytes(content.Length), .. new byte[3 * emptyBlocks]];
        for (var place = 0; place < content.Length; place += blockBytes)
        {
            var length = Math.Min(blockBytes, content.Length - place);
            var header = (length << 3) | (place + length == content.Length ? 1 : 0);
            frame.AddRange([(byte)header, (byte)(header >> 8), (byte)(header >> 16)]);
            frame.AddRange(content.Slice(place, length));
        }

        return [.. frame];
    }

    /// <summary>A frame (RFC 8878) that declares no length and holds so many blocks of 128 KiB of zeros, four bytes each.</summary>
    public static byte[] UnsizedBomb(int blocks)
    {
        const int blockBytes = 128 * 1024;
        // Magic, a descriptor that says nothing, a window of 2 MiB; then blocks that repeat one byte, the last marked so.
        List<byte> frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58];
        for (var block = 1; block <= blocks; block++)
        {
            var header = (blockBytes << 3) | (1 << 1) | (block == blocks ? 1 : 0);
            frame.AddRange([(byte)header, (byte)(header >> 8), (byte)(header >> 16), 0]);
        }

        return [.. frame];
    }

    public async Task<byte[]> GetAsync(string asset, string tenant = "", long offset = 0, long length = 0, bool frames = false)
    {
        using var call = Assets.Download(new DownloadRequest { Tenant = tenant, Asset = asset, Offset = offset, Length = length, Frames = frames });
        using var bytes = new MemoryStream();
        using var file = new ChunkFile();
        var buffer = new byte[1 << 21];
        await foreach (var message in call.ResponseStream.ReadAllAsync())
        {
            bytes.Write(message.Data.Span);
            foreach (var chunk in message.Chunks?.Chunks ?? [])
            {
                bytes.Write(buffer.AsSpan(0, file.Read(chunk.Frame.Span, new ChunkId(chunk.Id.Span), ChunkDigest.Sha256, buffer, "the daemon")));
            }
        }

        return bytes.ToArray();
    }

    public async Task<GarbageCollectResult> CollectAsync(TimeSpan grace = default, bool isDry = false)
    {
        using var call = Assets.GarbageCollect(new GarbageCollectRequest { DryRun = isDry, Grace = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(grace) });
        GarbageCollectResult? result = null;
        await foreach (var message in call.ResponseStream.ReadAllAsync())
        {
            result = message.Result ?? result;
        }

        return result!;
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await Daemon.DisposeAsync();
        Fixture.Dispose();
    }
}
