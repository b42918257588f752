using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Auraed.Base;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>
/// Speaks systemd's notify protocol: datagrams of KEY=VALUE lines to the socket that NOTIFY_SOCKET names. Without the variable every call does nothing;
/// a manager that does not listen is logged and does not stop the daemon.
/// </summary>
internal sealed class ServiceManager : IDisposable
{
    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _address;
    private readonly ILogger _logger;

    public ServiceManager(IReadOnlyDictionary<string, string> environment, ILogger logger)
    {
        _logger = logger;
        WatchdogInterval = IntervalOf(environment);
        if (environment.GetValueOrDefault("NOTIFY_SOCKET") is { Length: > 1 } name && name[0] is '/' or '@')
        {
            // A leading @ stands for the zero byte of the abstract namespace.
            _address = new UnixDomainSocketEndPoint(name[0] == '@' ? "\0" + name[1..] : name);
            _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = (int)Limits.NotifySendMax.TotalMilliseconds };
        }
    }

    /// <summary>Half of what the manager waits for a sign of life; zero when it does not watch.</summary>
    public TimeSpan WatchdogInterval { get; }

    public void Ready(string status) => Send($"READY=1\nSTATUS={status}");

    public void Stopping() => Send("STOPPING=1\nSTATUS=draining");

    /// <summary>Followed by Ready when the reload is through. The time is CLOCK_MONOTONIC in microseconds, which Stopwatch counts here.</summary>
    public void Reloading() => Send(string.Create(
        CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetElapsedTime(0).Ticks / TimeSpan.TicksPerMicrosecond}\nSTATUS=reloading"));

    public void Alive() => Send("WATCHDOG=1");

    public void Dispose() => _socket?.Dispose();

    private void Send(string state)
    {
        if (_socket is null)
        {
            return;
        }

        try
        {
            _socket.SendTo(Encoding.UTF8.GetBytes(state), _address!);
        }
        catch (SocketException error)
        {
            Log.NotifyFailed(_logger, state.Split('\n')[0], error.Message);
        }
    }

    private static TimeSpan IntervalOf(IReadOnlyDictionary<string, string> environment)
    {
        var isOurs = environment.GetValueOrDefault("WATCHDOG_PID") is null or "" || environment["WATCHDOG_PID"] == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return isOurs && long.TryParse(environment.GetValueOrDefault("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds > 1
            ? TimeSpan.FromMicroseconds(microseconds / 2.0)
            : TimeSpan.Zero;
    }
}
