using Auraed.Base;
using Auraed.Chunks.Stores;

namespace Auraed.Domain.Assets;

/// <summary>The way to one cache; its connections are kept for as long as the caches are followed.</summary>
internal sealed class PurgeCache : IDisposable
{
    private static readonly HttpMethod Purge = new("PURGE");
    private readonly PurgeTarget _target;
    private readonly HttpTransport _transport;

    public PurgeCache(PurgeTarget target, TimeProvider time)
    {
        _target = target;
        _transport = new HttpTransport(target.ToString(), target.Root.Scheme == Uri.UriSchemeHttps, new StoreOptions(), followsRedirects: false, time, (request, _) =>
        {
            if (target.Authorization is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", target.Authorization);
            }

            return ValueTask.CompletedTask;
        });
    }

    /// <summary>Has the cache forget a path of the origin. A fault unless it says that it has, or never had it (404).</summary>
    public async Task ForgetAsync(string path, CancellationToken cancel)
    {
        string what = "PURGE of " + path;
        _ = await _transport.SendAsync(
            what,
            () => new HttpRequestMessage(Purge, $"{_target}/{path}"),
            Limits.StoreAnswerMax,
            (response, _) => response.IsSuccessStatusCode || response.StatusCode == System.Net.HttpStatusCode.NotFound ? Task.FromResult(true) : throw _transport.FaultOf(what, response),
            cancel).ConfigureAwait(false);
    }

    public void Dispose() => _transport.Dispose();
}
