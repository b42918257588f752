using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Auraed.Base;
using Auraed.Config;
using Auraed.Native;
using Aurae.Pki;
using Grpc.Core;
using Grpc.Net.Client;

namespace Auraed.Cli;

/// <summary>
/// The channel to the daemon: HTTP/2 over a Unix socket or TCP, with mutual TLS, or in plain over a socket that checks peer credentials when the
/// client configuration has no [auth]. The server must prove the one name that all daemons have, against the configured authority alone.
/// </summary>
internal sealed class ClientConnection : IDisposable
{
    private static readonly TimeSpan ConnectTimeMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryMin = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(2);

    private readonly GrpcChannel _channel;
    private readonly SocketsHttpHandler _handler;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly string _flag;
    private readonly string _start;
    private Exception? _connectError;
    private string? _tlsError;
    private volatile bool _isHeard;
    private bool _isAnswered;

    private ClientConnection(ClientSettings settings, TimeSpan timeout, TimeProvider time, string flag, string start)
    {
        Settings = settings;
        EndPoint = EndPointOf(settings.Socket);
        _timeout = timeout;
        _time = time;
        _flag = flag;
        _start = start;
        _handler = new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            ConnectTimeout = Patience(timeout),
            UseProxy = false,
            InitialHttp2StreamWindowSize = Limits.ClientWindowBytes,
        };
        if (settings.IsSecure)
        {
            _handler.SslOptions = Tls(settings);
            _handler.PlaintextStreamFilter = (context, _) => ValueTask.FromResult<Stream>(new HeardStream(context.PlaintextStream, () => _isHeard = true));
        }

        // The name in the address is the one that TLS asks for; where to connect is the callback's business.
        var scheme = settings.IsSecure ? "https" : "http";
        _channel = GrpcChannel.ForAddress($"{scheme}://{PkiLayout.ServerName}", new GrpcChannelOptions { HttpHandler = _handler });
    }

    public ClientSettings Settings { get; }

    public EndPoint EndPoint { get; }

    /// <summary>What generated clients are made of.</summary>
    public CallInvoker Invoker => _channel.CreateCallInvoker();

    /// <summary>Whoever waits long for an answer waits as long for a slow host's handshake.</summary>
    private static TimeSpan Patience(TimeSpan timeout) => timeout == TimeSpan.Zero ? System.Threading.Timeout.InfiniteTimeSpan : timeout > ConnectTimeMax ? timeout : ConnectTimeMax;

    /// <summary>Connects to nothing yet; the first call does. <see cref="FaultKind.NotFound"/> when no client configuration is there.</summary>
    public static ClientConnection Open(Invocation invocation) =>
        new(ClientSettings.Find(invocation), invocation.Value(GlobalOptions.Timeout), invocation.Environment.Time, invocation.RootFlag, invocation.StartCommand);

    /// <summary>Calls once, within --timeout, and turns what goes wrong into a <see cref="Fault"/> that says what was asked of whom.</summary>
    /// <param name="what">What was being done, as the object of "cannot": "ask for its version".</param>
    public async Task<T> CallAsync<T>(string what, Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel)
    {
        DateTime? deadline = _timeout > TimeSpan.Zero ? (_time.GetUtcNow() + _timeout).UtcDateTime : null;
        try
        {
            var answer = await call(new CallOptions(deadline: deadline, cancellationToken: cancel)).ResponseAsync;
            _isAnswered = true;
            return answer;
        }
        catch (RpcException error)
        {
            throw Explain(what, error, cancel);
        }
    }

    /// <summary>Reads a stream to its end, without a deadline.</summary>
    public async Task StreamAsync<T>(string what, Func<CallOptions, AsyncServerStreamingCall<T>> call, Action<T> each, CancellationToken cancel)
    {
        try
        {
            using var stream = call(new CallOptions(cancellationToken: cancel));
            while (await stream.ResponseStream.MoveNext(cancel))
            {
                _isAnswered = true;
                each(stream.ResponseStream.Current);
            }
        }
        catch (RpcException error)
        {
            throw Explain(what, error, cancel);
        }
    }

    /// <summary>
    /// Reads a stream that has no end. When the daemon goes away after it has answered anything, tells so once and calls again until it is back; so
    /// <paramref name="call"/> asks for what comes after the last message.
    /// </summary>
    public async Task FollowAsync<T>(string what, Func<CallOptions, AsyncServerStreamingCall<T>> call, Action<T> each, Action<Fault> away, CancellationToken cancel)
    {
        var wait = RetryMin;
        while (true)
        {
            try
            {
                await StreamAsync(what, call, Heard, cancel);
            }
            catch (Fault fault) when (_isAnswered && IsAway(fault))
            {
                if (wait == RetryMin)
                {
                    away(fault);
                }
            }

            await Task.Delay(wait, _time, cancel);
            wait = wait + wait < RetryMax ? wait + wait : RetryMax;
        }

        void Heard(T message)
        {
            wait = RetryMin;
            each(message);
        }
    }

    /// <summary>True when the call may go through later as it is: the daemon is away, is being started, or has cut the call off.</summary>
    public static bool IsAway(Fault fault) =>
        fault.Kind is FaultKind.Unavailable or FaultKind.Cancelled or FaultKind.DeadlineExceeded || (fault.Kind == FaultKind.Internal && fault.InnerException is RpcException);

    /// <summary>The fault of a failed call. A connection that never came about, and one that was lost, are told apart from an answer that says no.</summary>
    public Fault Explain(string what, RpcException error)
    {
        if (_tlsError is not null)
        {
            return new Fault(FaultKind.Unauthenticated, $"cannot {what}: {Settings.Socket} does not prove that it is a daemon of ours: {_tlsError}", hint: $"auraed pki check{_flag}", cause: error);
        }

        if (_connectError is not null)
        {
            return Unreachable(what, _connectError);
        }

        // With TLS 1.3 a server refuses a client's certificate after the client's handshake is over: the connection ends before the server has said a word,
        // and what finds that first, a read, a write or the other's end, is chance.
        if (error is { StatusCode: StatusCode.Unavailable or StatusCode.Internal, Status.DebugException: not null } && Settings.IsSecure && !_isHeard && !IsGone())
        {
            return new Fault(FaultKind.Unauthenticated, $"cannot {what}: the daemon at {Settings.Socket} closed the connection; most likely it does not accept the certificate {Settings.ClientCertificate}",
                hint: $"auraed pki check{_flag} looks at it, and auraed pki client NAME, with the daemon's authority, makes another; the daemon's log has the reason", cause: error);
        }

        if (error is { StatusCode: StatusCode.Unavailable, Status.DebugException: not null } or { StatusCode: StatusCode.Internal, Status.DebugException: HttpRequestException or ObjectDisposedException })
        {
            return new Fault(FaultKind.Unavailable, $"cannot {what}: the connection to {Settings.Socket} was lost before the answer came", hint: $"auraed health{_flag}", cause: error);
        }

        return error is { StatusCode: StatusCode.DeadlineExceeded, Status.Detail.Length: 0 }
            ? new Fault(FaultKind.DeadlineExceeded, $"cannot {what}: {Settings.Socket} did not answer within {Output.Units.Span(_timeout)}", hint: "wait longer with --timeout DURATION", cause: error)
            : RpcFaults.From(what, error);
    }

    /// <summary>The same of a stream that the caller may have taken back: then it is thrown that it was.</summary>
    public Fault Explain(string what, RpcException error, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        return Explain(what, error);
    }

    public void Dispose()
    {
        _channel.Dispose();
        _handler.Dispose();
    }

    private static EndPoint EndPointOf(string socket)
    {
        var address = ListenAddress.Parse(socket, Environment.CurrentDirectory);
        if (address.Tcp is { } tcp)
        {
            return tcp;
        }

        try
        {
            return new UnixDomainSocketEndPoint(address.Path!);
        }
        catch (ArgumentOutOfRangeException)
        {
            throw Fault.Invalid("socket", $"the socket path {address.Path} is longer than a Unix socket's may be (107 bytes)", "use a shorter --root");
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = EndPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(EndPoint, cancel);
            _connectError = null;
            return new WideReads(new NetworkStream(socket, ownsSocket: true));
        }
        catch (Exception error)
        {
            socket.Dispose();
            _connectError = error;
            throw;
        }
    }

    private Fault Unreachable(string what, Exception cause)
    {
        var why = IsMissing(cause) ? "there is no such socket: is the daemon running?" : IsDeserted(cause) ? "nobody listens there: is the daemon running?" : cause.Message;
        return new Fault(FaultKind.Unavailable, $"cannot {what}: cannot connect to {Settings.Socket}: {why}", hint: _start, cause: cause);
    }

    private static bool IsMissing(Exception cause) => cause is SocketException { SocketErrorCode: SocketError.AddressNotAvailable } or SocketException { NativeErrorCode: 2 };

    private static bool IsDeserted(Exception cause) => cause is SocketException { SocketErrorCode: SocketError.ConnectionRefused };

    /// <summary>True when nobody listens any more: the daemon ended under the call. A Unix socket says so at once; TCP is not asked.</summary>
    private bool IsGone()
    {
        if (EndPoint is not UnixDomainSocketEndPoint)
        {
            return false;
        }

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(EndPoint);
            return false;
        }
        catch (SocketException error)
        {
            return IsMissing(error) || IsDeserted(error);
        }
    }

    private SslClientAuthenticationOptions Tls(ClientSettings settings)
    {
        var (authority, identity) = settings.LoadCertificates();
        return new SslClientAuthenticationOptions
        {
            TargetHost = PkiLayout.ServerName,
            ClientCertificateContext = SystemRoots.Without(() => SslStreamCertificateContext.Create(identity, additionalCertificates: null, offline: true)),
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { authority },
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            },
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                _tlsError = errors == SslPolicyErrors.None ? null : Describe(certificate, chain, errors, settings);
                return errors == SslPolicyErrors.None;
            },
        };
    }

    private static string Describe(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, ClientSettings settings)
    {
        if (certificate is null)
        {
            return "it shows no certificate";
        }

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return $"its certificate ({certificate.Subject}) does not name {PkiLayout.ServerName}";
        }

        var status = chain?.ChainStatus.Select(item => item.StatusInformation.Trim()).FirstOrDefault(text => text.Length > 0) ?? errors.ToString();
        return $"its certificate does not stand up to {settings.CaCertificate}: {status}";
    }
}
