using System.Net;
using System.Net.Http.Headers;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>
/// A bucket in desync's layout: <c>[prefix/]4hex/64hex.cacnk</c> as application/zstd, and <c>[prefix/]name</c> for an index. An object appears whole. AWS answers 403
/// and not 404 for what is missing when the key may not list the bucket; that is told as it is, since it may be a wrong key as well.
/// </summary>
public sealed class S3Store : IChunkStore
{
    private readonly string _root;
    private readonly HttpTransport _transport;
    private readonly S3Credentials? _credentials;
    private readonly string _region;
    private readonly TimeProvider _clock;

    public S3Store(StoreLocation location, StoreOptions options, S3Credentials? credentials, TimeProvider clock)
    {
        Invariant.Hold(location is { Kind: StoreKind.S3, Origin: not null });
        Name = location.Text;
        _credentials = credentials;
        _region = options.Region;
        _clock = clock;
        var prefix = location.Prefix.Length == 0 ? "" : S3Signature.Encode(location.Prefix) + "/";
        var origin = location.Origin;
        _root = options.IsBucketInHost
            ? $"{origin.Scheme}://{location.Bucket}.{origin.Authority}/{prefix}"
            : $"{origin.Scheme}://{origin.Authority}/{location.Bucket}/{prefix}";
        _transport = new HttpTransport(Name, origin.Scheme == Uri.UriSchemeHttps, options, followsRedirects: false, clock, SignAsync);
    }

    public string Name { get; }

    public Task<int> ReadAsync(ChunkId id, Memory<byte> target, CancellationToken cancel)
    {
        var what = $"GET of chunk {id}";
        return _transport.SendAsync(what, () => new HttpRequestMessage(HttpMethod.Get, _root + ChunkFile.PathOf(id)), Limits.StoreAnswerMax, async (response, token) =>
            response.StatusCode == HttpStatusCode.NotFound ? await MissingAsync(what, response, -1, token)
            : response.StatusCode == HttpStatusCode.OK ? await _transport.ReadBodyAsync(what, response, target, token)
            : throw _transport.FaultOf(what, response), cancel);
    }

    public Task<bool> HasAsync(ChunkId id, CancellationToken cancel)
    {
        var what = $"HEAD of chunk {id}";
        return _transport.SendAsync(what, () => new HttpRequestMessage(HttpMethod.Head, _root + ChunkFile.PathOf(id)), Limits.StoreAnswerMax, (response, _) =>
            response.StatusCode == HttpStatusCode.NotFound ? Task.FromResult(false)
            : response.StatusCode == HttpStatusCode.OK ? Task.FromResult(true)
            : throw _transport.FaultOf(what, response), cancel);
    }

    public Task WriteAsync(ChunkId id, ReadOnlyMemory<byte> file, bool replaces, CancellationToken cancel) =>
        PutAsync($"PUT of chunk {id}", ChunkFile.PathOf(id), file, "application/zstd", Limits.StoreAnswerMax, cancel);

    public Task<bool> CanSyncAsync(CancellationToken cancel) => Task.FromResult(true);

    public Task FlushAsync(CancellationToken cancel) => Task.CompletedTask;

    public Task<byte[]?> ReadIndexAsync(IndexName name, CancellationToken cancel)
    {
        var what = $"GET of index {name}";
        return _transport.SendAsync(what, () => new HttpRequestMessage(HttpMethod.Get, _root + name), Limits.StoreIndexAnswerMax, async (response, token) =>
            response.StatusCode == HttpStatusCode.NotFound ? await MissingAsync<byte[]?>(what, response, null, token)
            : response.StatusCode == HttpStatusCode.OK ? await _transport.ReadBodyAsync(what, response, Limits.AssetIndexBytesMax, token)
            : throw _transport.FaultOf(what, response), cancel);
    }

    public Task WriteIndexAsync(IndexName name, ReadOnlyMemory<byte> bytes, CancellationToken cancel) =>
        PutAsync($"PUT of index {name}", name.ToString(), bytes, "application/octet-stream", Limits.StoreIndexAnswerMax, cancel);

    public ValueTask DisposeAsync()
    {
        _transport.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>A bucket that is not there is no empty one.</summary>
    private async Task<T> MissingAsync<T>(string what, HttpResponseMessage response, T none, CancellationToken cancel)
    {
        var error = System.Text.Encoding.UTF8.GetString(await _transport.ReadBodyAsync(what, response, Limits.CredentialFileBytesMax, cancel));
        return error.Contains("<Code>NoSuchBucket</Code>", StringComparison.Ordinal)
            ? throw new Fault(FaultKind.Precondition, $"{Name} has no such bucket: {what}", hint: "create the bucket, or check the store's location")
            : none;
    }

    private Task PutAsync(string what, string path, ReadOnlyMemory<byte> bytes, string type, TimeSpan timeMax, CancellationToken cancel)
    {
        return _transport.SendAsync(what, Make, timeMax, (response, _) =>
            response.StatusCode == HttpStatusCode.OK ? Task.FromResult(true) : throw _transport.FaultOf(what, response), cancel);

        HttpRequestMessage Make()
        {
            var content = new ReadOnlyMemoryContent(bytes);
            content.Headers.ContentType = new MediaTypeHeaderValue(type);
            return new HttpRequestMessage(HttpMethod.Put, _root + path) { Content = content };
        }
    }

    private async ValueTask SignAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        if (_credentials is not null)
        {
            var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancel);
            S3Signature.Sign(request, body, _credentials, _region, _clock.GetUtcNow());
        }
    }
}
