using System.Net.Sockets;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Supervise;

/// <summary>
/// Which of several daemons of one database supervises on this host: a restored copy has the identity of what it was copied from, and its records name the same
/// processes. Whoever has the seat adopts, launches and ends them; the others touch none. It is an abstract Unix socket, so that the kernel gives it up with the process,
/// no file is left, and daemons of all users meet (within one network namespace). Invariants: at most one daemon per database has it; who did not get it at its
/// start never does.
/// </summary>
public sealed class SupervisorSeat : IAsyncDisposable
{
    private const string Mend = "to have this daemon do it, stop that one, then start this one again";
    private readonly CancellationTokenSource _leaving = new();
    private readonly Socket? _socket;
    private readonly PeerCredentials? _holder;
    private readonly Task _answering;

    private SupervisorSeat(Socket? socket, PeerCredentials? holder) =>
        (_socket, _holder, _answering) = (socket, holder, socket is null ? Task.CompletedTask : AnswerAsync(socket, _leaving.Token));

    /// <summary>Of a database that no other daemon has.</summary>
    internal static SupervisorSeat Undisputed => new(null, null);

    /// <summary>Whether this daemon supervises.</summary>
    public bool IsOurs => _holder is null;

    /// <summary>False when somebody who is not trusted has the name: it is supervised all the same, and other daemons are not told so.</summary>
    public bool IsKnown => _socket is not null || !IsOurs;

    /// <summary>Why this daemon supervises nothing, and what changes that; empty when it does.</summary>
    public string Refusal => IsOurs ? string.Empty : $"{Holder} supervises the services and cells of this database on this host; {Mend}";

    /// <summary>The process is 0 when it is of another process namespace.</summary>
    private string Holder => _holder is { ProcessId: > 0 } holder ? $"another daemon (pid {holder.ProcessId})" : "another daemon";

    /// <summary>
    /// Takes the seat, or finds out that it is taken. A holder counts when it is root or of this user: any user may take any name, and could keep daemons from their work.
    /// </summary>
    /// <param name="owner">The database's identity.</param>
    public static async Task<SupervisorSeat> TakeAsync(string owner, TimeProvider time, CancellationToken cancel)
    {
        var address = new UnixDomainSocketEndPoint($"\0auraed/supervisor/{owner}");
        PeerCredentials? holder = null;

        // One that is being killed has the name a little longer than its library directory.
        for (TimeSpan waited = TimeSpan.Zero; waited < Limits.SeatWaitMax; waited += Limits.SeatLookInterval)
        {
            if (TryBind(address) is { } socket)
            {
                return new SupervisorSeat(socket, null);
            }

            holder ??= HolderOf(address);
            await Task.Delay(Limits.SeatLookInterval, time, cancel).ConfigureAwait(false);
        }

        return new SupervisorSeat(null, holder is { } taken && IsTrusted(taken.UserId, ProcessGuards.UserId) ? taken : null);
    }

    /// <summary>Fault(Precondition) when another daemon supervises.</summary>
    public void Require()
    {
        if (!IsOurs)
        {
            throw new Fault(FaultKind.Precondition, $"this daemon supervises nothing: {Holder} supervises the services and cells of this database on this host", hint: Mend)
            {
                Reason = "NOT_SUPERVISING",
            };
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _leaving.CancelAsync().ConfigureAwait(false);
        await _answering.ConfigureAwait(false);
        _socket?.Dispose();
        _leaving.Dispose();
    }

    internal static bool IsTrusted(uint holder, uint self) => holder == 0 || holder == self;

    private static Socket? TryBind(UnixDomainSocketEndPoint address)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(address);
            socket.Listen(Limits.ListenBacklogCountMax);
            return socket;
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>Null when it is not told: the name has become free, or more ask than it answers.</summary>
    private static PeerCredentials? HolderOf(UnixDomainSocketEndPoint address)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(address);
            return PeerCredentials.Of(socket);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Who asks is told by the kernel, and hung up on.</summary>
    private static async Task AnswerAsync(Socket socket, CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                (await socket.AcceptAsync(cancel).ConfigureAwait(false)).Dispose();
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            // It is given up; or the process is out of descriptors, and the backlog goes on to answer.
        }
    }
}
