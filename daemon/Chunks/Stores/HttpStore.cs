using System.Net;
using System.Net.Http.Headers;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>
/// A store behind HTTP(S) in casync's layout: GET and HEAD of <c>/4hex/64hex.cacnk</c> and of an index by its name; 404 and 410 mean that it is not there. PUT
/// writes, where the server takes it, as desync's chunk server does.
/// </summary>
public sealed class HttpStore : IChunkStore
{
    private readonly string _root;
    private readonly HttpTransport _transport;

    public HttpStore(StoreLocation location, StoreOptions options, TimeProvider clock)
    {
        Invariant.Hold(location is { Kind: StoreKind.Http, Origin: not null });
        Name = location.Text;
        _root = $"{location.Origin.Scheme}://{location.Origin.Authority}{location.Path}/";
        var authorization = options.AuthorizationFile is { } file ? StoreOptions.ReadSecret(file, "authorization_file") : null;
        _transport = new HttpTransport(Name, location.Origin.Scheme == Uri.UriSchemeHttps, options, followsRedirects: true, clock, (request, _) =>
        {
            if (authorization is not null && !request.Headers.TryAddWithoutValidation("Authorization", authorization))
            {
                throw Fault.Invalid("authorization_file", $"{options.AuthorizationFile} holds no value of an Authorization header");
            }

            return ValueTask.CompletedTask;
        });
    }

    public string Name { get; }

    public Task<int> ReadAsync(ChunkId id, Memory<byte> target, CancellationToken cancel)
    {
        var what = $"GET of chunk {id}";
        return _transport.SendAsync(what, () => new HttpRequestMessage(HttpMethod.Get, _root + ChunkFile.PathOf(id)), Limits.StoreAnswerMax, async (response, token) =>
            IsMissing(response) ? -1
            : response.StatusCode == HttpStatusCode.OK ? await _transport.ReadBodyAsync(what, response, target, token)
            : throw _transport.FaultOf(what, response), cancel);
    }

    public Task<bool> HasAsync(ChunkId id, CancellationToken cancel)
    {
        var what = $"HEAD of chunk {id}";
        return _transport.SendAsync(what, () => new HttpRequestMessage(HttpMethod.Head, _root + ChunkFile.PathOf(id)), Limits.StoreAnswerMax, (response, _) =>
            IsMissing(response) ? Task.FromResult(false)
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
            IsMissing(response) ? null
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

    private Task PutAsync(string what, string path, ReadOnlyMemory<byte> bytes, string type, TimeSpan timeMax, CancellationToken cancel)
    {
        return _transport.SendAsync(what, Make, timeMax, (response, _) =>
            response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.NoContent ? Task.FromResult(true) : throw _transport.FaultOf(what, response), cancel);

        HttpRequestMessage Make()
        {
            var content = new ReadOnlyMemoryContent(bytes);
            content.Headers.ContentType = new MediaTypeHeaderValue(type);
            return new HttpRequestMessage(HttpMethod.Put, _root + path) { Content = content };
        }
    }

    private static bool IsMissing(HttpResponseMessage response) => response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone;
}
