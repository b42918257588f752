using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>
/// One call in flight, its place in the book, and what its handler is given as its context: the transport's, with a token that the edge can cancel, too.
/// Invariant: once cut, the token is cancelled for whoever asks for it, then or later.
/// </summary>
internal sealed class Call(ServerCallContext context, ConnectionState connection, bool isUnary, long started) : ServerCallContext
{
    private readonly Lock _lock = new();
    private CancellationTokenSource? _cut;
    private bool _hasEnded;

    /// <summary>The transport's own.</summary>
    public ServerCallContext Context { get; } = context;

    public ConnectionState Connection { get; } = connection;

    public bool IsUnary { get; } = isUnary;

    /// <summary>A timestamp of the book's TimeProvider.</summary>
    public long Started { get; } = started;

    /// <summary>True when the edge has ended it for its time.</summary>
    public bool IsCut { get; private set; }

    internal Call? Before { get; set; }

    internal Call? After { get; set; }

    internal int Shard { get; set; }

    protected override string MethodCore => Context.Method;

    protected override string HostCore => Context.Host;

    protected override string PeerCore => Context.Peer;

    protected override DateTime DeadlineCore => Context.Deadline;

    protected override Metadata RequestHeadersCore => Context.RequestHeaders;

    protected override Metadata ResponseTrailersCore => Context.ResponseTrailers;

    protected override Status StatusCore { get => Context.Status; set => Context.Status = value; }

    protected override WriteOptions? WriteOptionsCore { get => Context.WriteOptions; set => Context.WriteOptions = value; }

    protected override AuthContext AuthContextCore => Context.AuthContext;

    protected override IDictionary<object, object> UserStateCore => Context.UserState;

    /// <summary>A source of its own is made when a handler asks; most unary calls end before that.</summary>
    protected override CancellationToken CancellationTokenCore
    {
        get
        {
            if (!IsUnary)
            {
                return Context.CancellationToken;
            }

            lock (_lock)
            {
                if (_hasEnded)
                {
                    return Context.CancellationToken;
                }

                if (_cut is null)
                {
                    _cut = CancellationTokenSource.CreateLinkedTokenSource(Context.CancellationToken);
                    if (IsCut)
                    {
                        _cut.Cancel();
                    }
                }

                return _cut.Token;
            }
        }
    }

    /// <summary>Cancels the handler.</summary>
    internal void Cut()
    {
        CancellationTokenSource? cut;
        lock (_lock)
        {
            IsCut = true;
            cut = _hasEnded ? null : _cut;
        }

        // Outside the lock: the handler may go on, and end, within.
        cut?.Cancel();
    }

    internal void End()
    {
        lock (_lock)
        {
            _hasEnded = true;
            if (!IsCut)
            {
                _cut?.Dispose();
            }
        }
    }

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Context.WriteResponseHeadersAsync(responseHeaders);

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) => Context.CreatePropagationToken(options);
}
