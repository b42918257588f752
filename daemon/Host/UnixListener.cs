using System.Net.Sockets;
using System.Text;
using Auraed.Base;
using Auraed.Native;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>
/// A listening Unix socket that never takes the place of a live one. The lock file beside the socket is held for as long as the socket is served, so two
/// daemons do not meet; a connect tells a stale file from a socket that somebody else serves; the new socket is bound under another name, given its mode,
/// set to listen, and renamed over the stale file, so that a client meets either nobody or a daemon. What can be refused is tried by <see cref="Claim"/>, before the daemon
/// does anything else; <see cref="Listen"/> is for when it can answer.
/// </summary>
internal sealed class UnixListener : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private readonly FileLock _lock;
    private bool _isNamed;

    private UnixListener(string path, string temporary, FileLock held, Socket socket)
    {
        (_path, _temporary) = (path, temporary);
        _lock = held;
        Socket = socket;
    }

    /// <summary>Bound.</summary>
    public Socket Socket { get; }

    public static UnixListener Open(string path, UnixFileMode mode, ILogger logger)
    {
        var listener = Claim(path, mode, logger);
        try
        {
            listener.Listen();
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Takes the lock and binds; nobody reaches it yet. Fault(Precondition) when somebody else serves the path, or it cannot be written.</summary>
    public static UnixListener Claim(string path, UnixFileMode mode, ILogger logger)
    {
        var temporary = $"{path}.{Environment.ProcessId}";
        RequireShort(path, temporary);
        MakeDirectory(path);
        var held = TakeLock(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            RefuseLive(path, logger);
            File.Delete(temporary);
            socket.Bind(new UnixDomainSocketEndPoint(temporary));
            File.SetUnixFileMode(temporary, mode);
            return new UnixListener(path, temporary, held, socket);
        }
        catch (Exception error)
        {
            socket.Dispose();
            File.Delete(temporary);
            held.Dispose();
            throw error as Fault ?? Refused(path, error);
        }
    }

    /// <summary>From here on clients reach it under its name.</summary>
    public void Listen()
    {
        try
        {
            Socket.Listen(Limits.ListenBacklogCountMax);
            File.Move(_temporary, _path, overwrite: true);
            _isNamed = true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SocketException)
        {
            throw Refused(_path, error);
        }
    }

    /// <summary>Removes the socket file. The lock is given up last, so nobody else can have put theirs there.</summary>
    public void Dispose()
    {
        Socket.Dispose();
        File.Delete(_isNamed ? _path : _temporary);
        _lock.Dispose();
    }

    private static void MakeDirectory(string path)
    {
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        var directory = Path.GetDirectoryName(path)!;
        try
        {
            if (!Directory.Exists(directory))
            {
                // The umask takes bits away from a new directory; clients of other users must reach the socket.
                Directory.CreateDirectory(directory, Mode);
                File.SetUnixFileMode(directory, Mode);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Precondition, $"directory {directory} cannot be made: {error.Message}", "runtime_dir", "run as root, or give --root DIR", error);
        }
    }

    private static void RequireShort(string path, string temporary)
    {
        var length = Encoding.UTF8.GetByteCount(path);
        var suffix = temporary.Length - path.Length;
        if (length + suffix > Limits.SocketPathBytesMax)
        {
            throw new Fault(
                FaultKind.Precondition,
                $"socket {path} has {length} bytes: the path of a Unix socket has at most {Limits.SocketPathBytesMax}, of which {suffix} are the process's number while it is made",
                "socket",
                "use a shorter --root, or --socket PATH");
        }
    }

    private static FileLock TakeLock(string path)
    {
        try
        {
            return FileLock.TryTake(path + ".lock") ?? throw Live(path);
        }
        catch (IOException error)
        {
            throw new Fault(FaultKind.Precondition, $"{path}.lock cannot be written: {error.Message}", "runtime_dir", "run as root, or give --root DIR", error);
        }
    }

    private static void RefuseLive(string path, ILogger logger)
    {
        if (!Path.Exists(path))
        {
            return;
        }

        if (File.GetAttributes(path).HasFlag(FileAttributes.Directory) || new FileInfo(path).Length > 0)
        {
            throw new Fault(FaultKind.Precondition, $"{path} exists and is not a socket", "socket", "give another --socket, or move the file away");
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            using var timer = new CancellationTokenSource(Limits.SocketProbeTimeMax);
            probe.ConnectAsync(new UnixDomainSocketEndPoint(path), timer.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable)
        {
            Log.StaleSocketReplaced(logger, path);
            return;
        }
        catch (OperationCanceledException)
        {
            // A full backlog: somebody listens and is busy.
        }

        throw Live(path);
    }

    private static Fault Refused(string path, Exception error) =>
        new(FaultKind.Precondition, $"socket {path} cannot be opened: {error.Message}", "socket", $"check that {Path.GetDirectoryName(path)} is writable", error);

    private static Fault Live(string path) => new(
        FaultKind.Precondition, $"socket {path} is served by another daemon", "socket", "stop it (auraed status shows it), or give this one another --socket")
    { Reason = "SOCKET_IN_USE" };
}
