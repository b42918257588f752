using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;

namespace Auraed.Cli;

/// <summary>The process behind a Unix socket, as the kernel names it.</summary>
/// <param name="Id">Its process id.</param>
/// <param name="Uptime">Since when it runs.</param>
internal sealed record DaemonProcess(int Id, TimeSpan Uptime)
{
    private const int SocketLevel = 1;
    private const int PeerCredentials = 17;
    private const int CredentialBytes = 12;

    /// <summary>The kernel's unit of /proc/PID/stat on every Linux architecture (USER_HZ).</summary>
    private const double TicksPerSecond = 100;

    /// <summary>Field 22 of /proc/PID/stat, counted from the first field behind the name.</summary>
    private const int StartTimeIndex = 19;

    /// <summary>Null when the service manager opened the socket itself, and when the process is not to be seen from here.</summary>
    public static DaemonProcess? Behind(Socket connected)
    {
        try
        {
            var credentials = new byte[CredentialBytes];
            connected.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
            var id = BinaryPrimitives.ReadInt32LittleEndian(credentials);
            return id <= 1 ? null : new DaemonProcess(id, UptimeOf(id));
        }
        catch (Exception error) when (error is SocketException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static TimeSpan UptimeOf(int id)
    {
        var stat = File.ReadAllText($"/proc/{id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var started = double.Parse(fields[StartTimeIndex], CultureInfo.InvariantCulture) / TicksPerSecond;
        var now = double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);
        return TimeSpan.FromSeconds(Math.Max(0, now - started));
    }
}
