using System.ComponentModel;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Auraed.Bench;

/// <summary>A server or tool did not do what the measurement needs.</summary>
internal sealed class PeerException(string message) : Exception(message);

/// <summary>A server process of the run: started, waited for, and stopped by this object alone.</summary>
internal sealed class Peer : IDisposable
{
    private static readonly TimeSpan ReadyMax = TimeSpan.FromSeconds(60);
    /// <summary>How soon the end of a server that never becomes ready is noticed.</summary>
    private static readonly TimeSpan LookMax = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private Peer(string name, Process process)
    {
        Name = name;
        _process = process;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
    }

    public string Name { get; }

    public int Id => _process.Id;

    /// <summary>Starts a server and returns when <paramref name="isReady"/> holds of what it has printed.</summary>
    public static Peer Start(string name, string program, IEnumerable<string> arguments, Func<string, bool> isReady, IReadOnlyDictionary<string, string>? environment = null)
    {
        var peer = new Peer(name, Launch(Described(program, arguments, environment)));
        peer._process.BeginOutputReadLine();
        peer._process.BeginErrorReadLine();
        var waited = Stopwatch.StartNew();
        while (!isReady(peer.Output))
        {
            if (peer._process.HasExited || waited.Elapsed > ReadyMax)
            {
                var said = peer.Output;
                peer.Dispose();
                throw new PeerException($"{name} did not become ready: {program} {string.Join(' ', arguments)}\n{said}");
            }

            peer._process.WaitForExit(2);
        }

        return peer;
    }

    /// <summary>A server that tells its service manager when it is ready, measured from before the fork.</summary>
    public static (Peer Peer, TimeSpan Time) StartNotifying(
        string name, string program, IEnumerable<string> arguments, string notifySocket, IReadOnlyDictionary<string, string>? environment = null)
    {
        File.Delete(notifySocket);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(notifySocket));
        socket.ReceiveTimeout = (int)LookMax.TotalMilliseconds;
        var described = Described(program, arguments, environment);
        described.Environment["NOTIFY_SOCKET"] = notifySocket;
        var from = Stopwatch.GetTimestamp();
        var peer = new Peer(name, Launch(described));
        peer._process.BeginOutputReadLine();
        peer._process.BeginErrorReadLine();
        while (!SaysReady(socket))
        {
            if (peer._process.HasExited || Stopwatch.GetElapsedTime(from) > ReadyMax)
            {
                var said = peer.Output;
                peer.Dispose();
                throw new PeerException($"{name} did not say READY=1: {program} {string.Join(' ', arguments)}\n{said}");
            }
        }

        return (peer, Stopwatch.GetElapsedTime(from));
    }

    /// <summary>Starts a program; <see cref="PeerException"/> says where one that is not there comes from.</summary>
    public static Process Launch(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            var program = start.FileName;
            var isInstalled = !program.Contains('/', StringComparison.Ordinal) || program.StartsWith("/usr/", StringComparison.Ordinal) || program.StartsWith("/bin/", StringComparison.Ordinal);
            throw new PeerException($"{program} cannot be started: {new Win32Exception(exception.NativeErrorCode).Message}\nhint: {(isInstalled ? "packaging/dependencies bench" : "make bench-build")}");
        }
    }

    /// <summary>Runs a tool to its end and returns what it printed.</summary>
    public static string Run(string program, IEnumerable<string> arguments, params ReadOnlySpan<int> codes)
    {
        using var process = Launch(Described(program, arguments, null));
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0 && !codes.Contains(process.ExitCode))
        {
            throw new PeerException($"{program} {string.Join(' ', arguments)}: exit {process.ExitCode}\n{output}{error.Result}");
        }

        return output;
    }

    /// <summary>SIGTERM, then SIGKILL when that does not end it.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            using (var kill = Process.Start("/bin/kill", ["-TERM", $"{_process.Id}"]))
            {
                kill.WaitForExit();
            }

            if (!_process.WaitForExit(StopMax))
            {
                _process.Kill();
                _process.WaitForExit();
            }
        }

        _process.Dispose();
    }

    /// <summary>SIGKILL to this process alone.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    private static bool SaysReady(Socket socket)
    {
        var message = new byte[4096];
        try
        {
            var length = socket.Receive(message);
            return Encoding.UTF8.GetString(message, 0, length).Split('\n').Contains("READY=1");
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.WouldBlock or SocketError.TimedOut)
        {
            return false;
        }
    }

    private static ProcessStartInfo Described(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("AURAE_ROOT");
        start.Environment.Remove("AURAE_CONFIG");
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return start;
    }

    /// <summary>The first 64 KiB: enough to see readiness and what went wrong.</summary>
    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            if (line.Data is not null && _output.Length < 65536)
            {
                _output.AppendLine(line.Data);
            }
        }
    }
}
