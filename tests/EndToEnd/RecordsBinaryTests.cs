using System.Text;
using Auraed.Tests.Support;

namespace Auraed.Tests.EndToEnd;

/// <summary>Records through the shipped binary, daemon and command line both, over mutual TLS.</summary>
public sealed class RecordsBinaryTests : IDisposable
{
    private const string Machine =
        """
        [{"@type": "nic", "id": "eth0", "machine": "vm-plaintext", "mac_address": "06:00:00:00:00:01"},
         {"@type": "nic", "id": "eth1", "machine": "vm-plaintext"},
         {"@type": "vm", "id": "vm-plaintext", "mem_size_mb": 512, "kernel_args": ["quiet"], "root_drive": {"image_path": "/root.raw"}, "@labels": {"tier": "web"}},
         {"@type": "document_schema", "name": "s", "schema": {"properties": {"id": {"type": "string", "pattern": "^a+$"}}}},
         {"@type": "document", "id": "d", "schema": "s", "body": {"id": "aaa"}}]
        """;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_machine_with_its_interfaces_survives_a_killed_daemon_and_lies_in_no_plain_text()
    {
        var root = _directory["root"];
        PublishedBinary.Run("init", "--root", root).Succeeded();
        File.WriteAllText(_directory["machine.json"], Machine);

        await using (await StartAsync(root))
        {
            PublishedBinary.Run("records", "apply", "-f", _directory["machine.json"], "--root", root).Succeeded();
        }

        // Dispose killed it: nothing was folded, the log alone has the records.
        foreach (var file in Directory.GetFiles(Path.Combine(root, "lib")))
        {
            Assert.Equal(-1, File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes("vm-plaintext")));
        }

        await using (await StartAsync(root))
        {
            var list = PublishedBinary.Run("records", "ls", "vm", "--filter", "labels.tier = web AND kernel_args:quiet", "--include", "nic", "--root", root).Succeeded();
            Assert.Contains("eth0 eth1", list, StringComparison.Ordinal);
            Assert.Contains("\"aaa\"", PublishedBinary.Run("records", "get", "document", "d", "--root", root).Succeeded(), StringComparison.Ordinal);
        }
    }

    private static async Task<ChildProcess> StartAsync(string root)
    {
        var daemon = PublishedBinary.Start(root);
        await Eventually.HoldsAsync(() => PublishedBinary.Run("health", "--root", root).Code == 0, "the daemon is healthy");
        return daemon;
    }
}
