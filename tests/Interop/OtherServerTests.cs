using Auraed.Tests.Support;

namespace Auraed.Tests.Interop;

/// <summary>
/// Our client with servers of other languages. Neither server tells its handlers whether a request was compressed, so there the probes of
/// the client_compressed cases are left to <see cref="OwnServerTests"/>. Node's server cannot compress one message and not the next.
/// </summary>
public sealed class OtherServerTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Dictionary<string, ChildProcess> _servers = [];

    public async Task InitializeAsync()
    {
        foreach (var language in Peers.Languages)
            _servers[language] = await Peers.StartServerAsync(language, "unix:" + _directory[language]);
    }

    public async Task DisposeAsync()
    {
        foreach (var server in _servers.Values)
            await server.DisposeAsync();
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_Node_server_serves_our_client() => await AllPassAsync("node", name => name is not ("server_compressed_unary" or "server_compressed_streaming"));

    [Fact]
    public async Task A_Python_server_serves_our_client() => await AllPassAsync("python", _ => true);

    private async Task AllPassAsync(string language, Func<string, bool> chosen)
    {
        var gzip = new CountingGzip();
        using var channel = UnixSocketChannel.Open(_directory[language], options => options.CompressionProviders = [gzip]);
        var failures = new List<string>();
        foreach (var (name, run) in new InteropClient(channel, gzip) { ServerSeesCompression = false }.Cases)
        {
            if (!chosen(name))
                continue;
            try
            {
                await run();
            }
            catch (Exception exception)
            {
                failures.Add($"{name}: {exception.Message}");
            }
        }

        Assert.Empty(failures);
    }
}
