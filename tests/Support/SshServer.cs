using System.Net;
using System.Net.Sockets;

namespace Auraed.Tests.Support;

/// <summary>A real sshd on loopback, with a host key, a user key and a configuration of its own. It serves SFTP to whoever runs the tests.</summary>
public sealed class SshServer : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private ChildProcess? _process;

    private SshServer()
    {
    }

    public int Port { get; private set; }

    public string IdentityFile => _directory["user"];

    public string KnownHostsFile => _directory["known_hosts"];

    /// <summary>ssh's own configuration, empty: the developer's is not read.</summary>
    public string ConfigurationFile => _directory["ssh_config"];

    /// <summary>A directory that the server reaches, for stores.</summary>
    public string this[string name] => _directory[name];

    public string Output => _process!.Output;

    /// <param name="subsystem">What serves SFTP.</param>
    public static async Task<SshServer> StartAsync(string subsystem = "internal-sftp")
    {
        var server = new SshServer();
        var directory = server._directory;
        foreach (var key in new[] { "host", "user" })
        {
            Tool.Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", directory[key]).Succeeded();
        }

        server.Port = FreePort();
        File.Copy(directory["user.pub"], directory["authorized_keys"]);
        File.WriteAllText(server.KnownHostsFile, $"[127.0.0.1]:{server.Port} {File.ReadAllText(directory["host.pub"])}");
        File.WriteAllText(server.ConfigurationFile, "");
        File.WriteAllText(directory["sshd_config"], $"""
            ListenAddress 127.0.0.1:{server.Port}
            HostKey {directory["host"]}
            AuthorizedKeysFile {directory["authorized_keys"]}
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            Subsystem sftp {subsystem}
            LogLevel VERBOSE

            """);
        if (Environment.IsPrivilegedProcess)
        {
            // Started by root, sshd insists on the directory that its package makes at boot.
            Directory.CreateDirectory("/run/sshd");
        }

        server._process = ChildProcess.Start(directory.Path, "/usr/sbin/sshd", "-D", "-e", "-f", directory["sshd_config"]);
        await Eventually.HoldsAsync(() => server.Output.Contains("Server listening", StringComparison.Ordinal), "sshd listening");
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _process!.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>A TCP port on loopback that nobody has at the moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
