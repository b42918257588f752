using Grpc.Core;
using Grpc.Core.Internal;

namespace Grpc.Net.Client.Internal;

/// <summary>How a call ends: by its trailers, its deadline, its caller, or a fault below.</summary>
internal sealed partial class HttpCall<TRequest, TResponse>
{
    // As long as a timer can be.
    private static readonly TimeSpan TimerMax = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly Lock _gate = new();
    private Status? _status;
    private Metadata? _trailers;
    private bool _isLate;

    private bool IsPastDeadline => _isLate || (_deadline != DateTime.MaxValue && TimeProvider.System.GetUtcNow().UtcDateTime >= _deadline);

    public CancellationToken CancelToken => _cancel.Token;

    public Status GetStatus() => _status ?? throw new InvalidOperationException("Unable to get the status because the call is not complete.");

    public Metadata GetTrailers() =>
        _status is null ? throw new InvalidOperationException("Can't get the call trailers because the call has not completed successfully.") : _trailers ?? Metadata.Empty;

    public void Dispose()
    {
        if (_status is null)
            Settle(new RpcException(Taken(null)));
    }

    public void Cancel()
    {
        lock (_gate)
        {
            if (_status is null)
                _cancel.Cancel();
        }
    }

    private void StartDeadline(TimeSpan left)
    {
        if (left > TimerMax)
            return;
        lock (_gate)
        {
            if (_status is null)
                _timer = TimeProvider.System.CreateTimer(
                    static call => ((HttpCall<TRequest, TResponse>)call!).OnLate(), this, left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    private void OnLate()
    {
        _isLate = true;
        Cancel();
    }

    /// <summary>Reads the status from the trailers, or from the headers of a trailers-only response.</summary>
    private Status EndStatus()
    {
        var response = _response.Result;
        var fields = response.TrailingHeaders.Contains(HttpFields.StatusName) ? response.TrailingHeaders : response.Headers;
        _trailers = HttpFields.MetadataOf(fields);
        var status = HttpFields.StatusOf(fields) ?? new Status(StatusCode.Unknown, "No grpc-status found on response.");
        // A failure after the deadline is the deadline's: only the timer was slower than the server.
        return status.StatusCode != StatusCode.OK && IsPastDeadline ? new Status(StatusCode.DeadlineExceeded, status.Detail) : status;
    }

    /// <summary>The call ended with this; throws when it is a failure.</summary>
    private void Settle(Status status)
    {
        Finish(status);
        if (status.StatusCode != StatusCode.OK)
            throw Failure(status);
    }

    /// <summary>The call ended with this exception; answers what its caller gets. The first end stays.</summary>
    public Exception Settle(Exception exception)
    {
        if (_status is { StatusCode: not StatusCode.OK } settled)
            return Failure(settled);
        var status = exception is RpcException failure ? failure.Status : StatusOf(exception);
        if (exception is RpcException { Trailers.Count: > 0 } rich)
            _trailers = rich.Trailers;
        Finish(status);
        return Failure(_status!.Value);
    }

    /// <summary>A write failed. When the server has ended the call in its midst, why it did is on its way, and is what the caller gets.</summary>
    public async Task<Exception> SettleWriteAsync(Exception exception)
    {
        if (_single is { } single && !_cancel.IsCancellationRequested)
            await single.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return Settle(exception);
    }

    private Status StatusOf(Exception exception)
    {
        if (IsPastDeadline)
            return new Status(StatusCode.DeadlineExceeded, "", exception);
        return _cancel.IsCancellationRequested ? Taken(exception) : TransportFaults.StatusOf(exception);
    }

    private static Status Taken(Exception? cause) => new(StatusCode.Cancelled, "Call canceled by the client.", cause);

    private Exception Failure(in Status status)
    {
        var failure = new RpcException(status, _trailers ?? Metadata.Empty);
        return _channel.Options.ThrowOperationCanceledOnCancellation && status.StatusCode is StatusCode.Cancelled or StatusCode.DeadlineExceeded
            ? new OperationCanceledException(status.Detail, failure, _options.CancellationToken)
            : failure;
    }

    private void Finish(Status status)
    {
        lock (_gate)
        {
            if (_status is not null && (_status.Value.StatusCode != StatusCode.OK || status.StatusCode == StatusCode.OK))
                return;
            _status = status;
            _timer?.Dispose();
        }

        _callerCancel.Unregister();
        _parentCancel.Unregister();
        _requests?.Break(new RpcException(status));
        if (status.StatusCode == StatusCode.OK)
            return;
        // Resets the stream, if it still stands.
        _cancel.Cancel();
        if (_response is { IsCompletedSuccessfully: true } response)
            response.Result.Dispose();
    }
}
