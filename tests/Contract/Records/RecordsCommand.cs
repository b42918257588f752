using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Records;

/// <summary>`auraed records`, against the service on a plain socket.</summary>
public class RecordsCommand : IAsyncLifetime
{
    private const string Machines =
        """
        [
          {"@type": "nic", "id": "eth0", "machine": "vm-1", "mac_address": "06:00:00:00:00:01"},
          {"@type": "type.googleapis.com/aurae.vms.v0.VirtualMachine", "@labels": {"tier": "web"}, "id": "vm-1", "memSizeMb": 512, "root_drive": {"image_path": "/root.raw"}},
          {"@type": "NetworkInterface", "id": "eth1", "machine": "vm-1"}, // the order does not matter
        ]
        """;

    private readonly TemporaryDirectory _directory = new();
    private RecordServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await RecordServer.StartAsync();
        File.WriteAllText(_directory["client"], $"[system]\nsocket = \"{_server.SocketPath}\"\n");
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Apply_makes_get_shows_ls_joins_and_rm_deletes()
    {
        string applied = (await ApplyAsync(Machines)).Succeeded();
        Assert.Contains("eth1", applied, StringComparison.Ordinal);
        Assert.Equal(applied.Split('\n').Length, (await ApplyAsync(Machines)).Succeeded().Split('\n').Length);

        string got = (await RunAsync("get", "vm", "vm-1")).Succeeded();
        Assert.Contains("\"@type\": \"type.googleapis.com/aurae.vms.v0.VirtualMachine\"", got, StringComparison.Ordinal);
        Assert.Contains("\"mem_size_mb\": 512", got, StringComparison.Ordinal);
        Assert.Contains("\"tier\": \"web\"", got, StringComparison.Ordinal);

        string list = (await RunAsync("ls", "vm", "--filter", "mem_size_mb > 500 AND labels.tier = web", "--include", "nic")).Succeeded();
        Assert.Contains("vm-1", list, StringComparison.Ordinal);
        Assert.Contains("eth0 eth1", list, StringComparison.Ordinal);

        string json = (await RunAsync("ls", "network-interface", "--output", "json", "--order-by", "name desc", "--limit", "1")).Succeeded();
        Assert.Contains("\"name\": \"eth1\"", json, StringComparison.Ordinal);

        Assert.Contains("3", (await RunAsync("rm", "vm", "vm-1")).Succeeded(), StringComparison.Ordinal);
        Support.Cli gone = await RunAsync("get", "vm", "vm-1");
        Assert.NotEqual(0, gone.Code);
        Assert.Contains("has no virtual_machine 'vm-1'", gone.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_get_prints_can_be_applied()
    {
        await ApplyAsync("""{"@type": "document", "id": "a", "title": "A", "body": {"n": 1.5, "list": [true, null, "x"], "deep": {"er": {}}}}""");
        string before = (await RunAsync("get", "document", "a", "--output", "json")).Succeeded();
        string body = System.Text.Json.JsonDocument.Parse(before).RootElement.GetProperty("body").GetRawText();
        (await ApplyAsync(body)).Succeeded();
        string after = (await RunAsync("get", "document", "a", "--output", "json")).Succeeded();
        Assert.Equal(body, System.Text.Json.JsonDocument.Parse(after).RootElement.GetProperty("body").GetRawText());
    }

    [Theory]
    [InlineData("", "not JSON")]
    [InlineData("{", "not JSON")]
    [InlineData("7", "not an object")]
    [InlineData("{}", "@type")]
    [InlineData("[{\"@type\": \"vm\"}, 1]", "[1]")]
    [InlineData("{\"@type\": \"vmm\"}", "no record type 'vmm'")]
    [InlineData("{\"@type\": \"virtual_machin\"}", "did you mean virtual_machine?")]
    [InlineData("{\"@type\": \"vm\", \"nothing\": 1}", "nothing")]
    [InlineData("{\"@type\": \"vm\", \"mem_size_mb\": -1}", "not a aurae.vms.v0.VirtualMachine")]
    [InlineData("{\"@type\": \"vm\", \"@tenant\": \"x\"}", "@tenant")]
    [InlineData("{\"@type\": \"nic\", \"id\": \"eth0\", \"machine\": \"none\"}", "'none'")]
    public async Task What_is_wrong_with_a_file_is_said(string json, string what)
    {
        Support.Cli failed = await ApplyAsync(json);
        Assert.NotEqual(0, failed.Code);
        Assert.Contains(what, failed.Error, StringComparison.Ordinal);
        Assert.Equal(0, _server.Database.Durable);
    }

    private Task<Support.Cli> ApplyAsync(string json)
    {
        File.WriteAllText(_directory["records.json"], json);
        return RunAsync("apply", "-f", _directory["records.json"]);
    }

    private Task<Support.Cli> RunAsync(params string[] words) => Support.Cli.RunAsync(["records", .. words, "--client-config", _directory["client"]]);
}
