using System.Collections.Concurrent;

namespace Auraed.Tests.Interop;

/// <summary>
/// Clients of other languages with our server. Python's client cannot except one message of a stream from compression, and neither
/// client shows whether a response was compressed: those halves are covered by <see cref="OwnServerTests"/>, and the former by Node.
/// </summary>
public sealed class OtherClientTests(OtherClientTests.Outcomes outcomes) : IClassFixture<OtherClientTests.Outcomes>
{
    [Theory]
    [MemberData(nameof(InteropCases.All), MemberType = typeof(InteropCases))]
    public async Task A_Node_client_is_served_over_a_Unix_socket(string name) => await PassesAsync("node", tls: false, name);

    [Theory]
    [MemberData(nameof(InteropCases.All), MemberType = typeof(InteropCases))]
    public async Task A_Node_client_is_served_over_TLS(string name) => await PassesAsync("node", tls: true, name);

    [Theory]
    [MemberData(nameof(InteropCases.All), MemberType = typeof(InteropCases))]
    public async Task A_Python_client_is_served_over_a_Unix_socket(string name) => await PassesAsync("python", tls: false, name);

    [Theory]
    [MemberData(nameof(InteropCases.All), MemberType = typeof(InteropCases))]
    public async Task A_Python_client_is_served_over_TLS(string name) => await PassesAsync("python", tls: true, name);

    private async Task PassesAsync(string language, bool tls, string name)
    {
        var outcome = await outcomes.OfAsync(language, tls);
        Assert.Equal("", outcome[name]);
    }

    /// <summary>Runs each client once, for all its cases: a server of its own, one call at a time.</summary>
    public sealed class Outcomes
    {
        private readonly ConcurrentDictionary<(string, bool), Lazy<Task<IReadOnlyDictionary<string, string>>>> _runs = new();

        public Task<IReadOnlyDictionary<string, string>> OfAsync(string language, bool tls) =>
            _runs.GetOrAdd((language, tls), _ => new Lazy<Task<IReadOnlyDictionary<string, string>>>(() => RunAsync(language, tls))).Value;

        private static async Task<IReadOnlyDictionary<string, string>> RunAsync(string language, bool tls)
        {
            await using var server = await InteropServer.StartAsync();
            string[] target = tls ? [$"localhost:{server.TlsPort}", server.CertificatePath] : ["unix:" + server.SocketPath];
            return await Peers.RunClientAsync(language, target);
        }
    }
}
