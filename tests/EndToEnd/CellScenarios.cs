using Auraed.Tests.Interop;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.EndToEnd;

/// <summary>Upstream's runnable scenarios against the shipped binary, driven by a client of another language (tests/Interop/node/cells.js).</summary>
public sealed class CellScenarios(ITestOutputHelper output) : IDisposable
{
    private readonly BinaryHost _host = new();

    [Theory]
    [InlineData("steady")]
    [InlineData("killed")]
    public async Task Upstreams_scenarios_pass_also_when_the_daemon_is_killed_between_any_two_calls(string mode)
    {
        string[] lines = (await Peers.RunNodeAsync("cells.js", PublishedBinary.Path, _host.Root, Repository.Path("api"), mode)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // A scenario that this host's kernel cannot run says why.
        output.WriteLine(string.Join('\n', lines));
        Assert.DoesNotContain(lines, line => line.StartsWith("FAIL", StringComparison.Ordinal));
        Assert.Equal(10, lines.Count(line => line.StartsWith("PASS", StringComparison.Ordinal) || line.StartsWith("SKIP", StringComparison.Ordinal)));
        Assert.InRange(lines.Count(line => line.StartsWith("PASS", StringComparison.Ordinal)), 7, 10);
    }

    public void Dispose() => _host.Dispose();
}
