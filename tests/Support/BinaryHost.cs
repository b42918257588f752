using Auraed.Store;

namespace Auraed.Tests.Support;

/// <summary>A root with certificates on which the shipped binary runs as daemon and as command line; a channel to it is the fixture's.</summary>
internal sealed class BinaryHost : IDisposable
{
    public BinaryHost() => Run("init").Succeeded();

    public DaemonFixture Fixture { get; } = new();

    public string Root => Fixture[""].TrimEnd('/');

    public string Library => Fixture["lib"];

    public string DatabasePath => Fixture["lib/aurae.db"];

    public string ServerKey => Fixture.Pki.ServerKey;

    public DatabaseOptions Options => new() { Directory = Library, KeyPath = ServerKey };

    /// <summary>A verb on this root.</summary>
    public Tool Run(params IEnumerable<string> arguments) => PublishedBinary.Run([.. arguments, "--root", Root]);

    /// <summary>The daemon, ready, in the durability that <c>DURABILITY=</c> names; it ends by a kill when disposed.</summary>
    public async Task<ChildProcess> StartAsync(params string[] flags)
    {
        var daemon = PublishedBinary.Start(Root, flags);
        await Eventually.HoldsAsync(() => Run("health").Code == 0, "the daemon is healthy");
        return daemon;
    }

    public static async Task StopAsync(ChildProcess daemon)
    {
        Tool.Run("/bin/kill", "-TERM", $"{daemon.Id}").Succeeded();
        Assert.Equal(0, await daemon.WaitForExitAsync());
    }

    /// <summary>Applies machines of these names.</summary>
    public void Apply(params IEnumerable<string> names)
    {
        var path = Fixture["records.json"];
        File.WriteAllText(path, "[" + string.Join(',', names.Select(name => $$"""{"@type": "vm", "id": "{{name}}", "mem_size_mb": 512}""")) + "]");
        Run("records", "apply", "-f", path).Succeeded();
    }

    public bool Has(string name) => Run("records", "get", "virtual_machine", name).Code == 0;

    public void Dispose() => Fixture.Dispose();
}
