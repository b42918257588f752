using System.Globalization;
using Grpc.Core;
using Grpc.Core.Internal;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>The deadline, and the one end of a call.</summary>
internal sealed partial class HttpServerCallContext
{
    private static readonly StringValues[] StatusTexts =
        [.. Enumerable.Range(0, (int)StatusCode.Unauthenticated + 1).Select(code => new StringValues(code.ToString(CultureInfo.InvariantCulture)))];

    private static readonly Status Late = new(StatusCode.DeadlineExceeded, "Deadline Exceeded");

    private DateTime _deadline = DateTime.MaxValue;
    private CancellationTokenSource? _cancel;
    private CancellationTokenRegistration _aborted;
    private Task _finishing = Task.CompletedTask;
    private bool _messageWritten;
    private bool _isLate;
    private bool _ended;

    protected override DateTime DeadlineCore => _deadline;
    protected override CancellationToken CancellationTokenCore => _cancel?.Token ?? HttpContext.RequestAborted;

    /// <summary>What a read of the body needs beside the transport's own abort: only a deadline.</summary>
    public CancellationToken ReadToken => _cancel?.Token ?? default;

    public bool IsLate => _isLate;

    private void StartDeadline(string text)
    {
        if (!GrpcProtocol.TryParseTimeout(text, out var timeout))
            throw new RpcException(new Status(StatusCode.Internal, $"The grpc-timeout '{text}' cannot be read."));
        var now = Options.Time.GetUtcNow().UtcDateTime;
        _deadline = timeout < DateTime.MaxValue - now ? now + timeout : DateTime.MaxValue;
        // Beyond what a timer can hold the caller will have gone first.
        _cancel = timeout.TotalMilliseconds < uint.MaxValue - 1 ? new CancellationTokenSource(timeout, Options.Time) : new CancellationTokenSource();
        // Registered first, so run last: a handler that heeds its token has ended the call by then.
        _cancel.Token.UnsafeRegister(static state => ((HttpServerCallContext)state!).OnCancelled(), this);
        _aborted = HttpContext.RequestAborted.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), _cancel);
    }

    private void OnCancelled()
    {
        lock (this)
        {
            if (_ended || IsAborted)
                return;
            _isLate = true;
            SendStatus(Late);
            _finishing = FinishLateAsync();
        }
    }

    private async Task FinishLateAsync()
    {
        try
        {
            await HttpContext.Response.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException or OperationCanceledException)
        {
            // The connection has gone, and with it the caller that would read the status.
            HttpContext.Abort();
        }
    }

    private void EnterWrite()
    {
        if (_cancel is not null)
            Monitor.Enter(this);
        if (!_ended)
            return;
        ExitWrite();
        throw new OperationCanceledException("The call has ended.", CancellationToken);
    }

    private void ExitWrite()
    {
        if (_cancel is not null)
            Monitor.Exit(this);
    }

    /// <summary>
    /// Ends the call with its status, unless its deadline has. The handler may return once the task completes: the server uses the request's
    /// objects for the next one, so nobody may still be at work on them.
    /// </summary>
    public Task EndAsync()
    {
        if (_cancel is null)
        {
            if (!_ended)
                SendStatus(_status);
            return Task.CompletedTask;
        }

        _aborted.Dispose();
        lock (this)
        {
            if (!_ended)
                SendStatus(_status);
        }

        _cancel.Dispose();
        return _finishing;
    }

    /// <summary>Into the trailers, or into the headers when no message was sent (trailers-only).</summary>
    private void SendStatus(in Status status)
    {
        _ended = true;
        var response = HttpContext.Response;
        var fields = response.Headers;
        if (_messageWritten || response.HasStarted)
            fields = HttpContext.Features.Get<IHttpResponseTrailersFeature>()!.Trailers;
        else
            SetHeaders(null);
        var code = (int)status.StatusCode;
        fields.GrpcStatus = (uint)code < (uint)StatusTexts.Length ? StatusTexts[code] : code.ToString(CultureInfo.InvariantCulture);
        if (!string.IsNullOrEmpty(status.Detail))
            fields.GrpcMessage = GrpcProtocol.PercentEncode(status.Detail);
        if (_responseTrailers is null)
            return;
        foreach (var entry in _responseTrailers)
            fields.Append(entry.Key, entry.FieldValue);
    }
}
