using Grpc.Core;
using Grpc.Core.Internal;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>What a handler's result or exception means to the caller.</summary>
internal sealed partial class HttpServerCallContext
{
    /// <summary>The one response of a method without a response stream.</summary>
    public void WriteSingle<T>(T? response, Marshaller<T> marshaller) where T : class
    {
        if (response is null)
            throw new RpcException(new Status(StatusCode.Cancelled, "No message returned from method."));
        // A handler that sets an error status has no response.
        if (_status.StatusCode == StatusCode.OK)
            Write(response, marshaller);
    }

    /// <summary>A stream of requests has no length, and may be silent as long as it likes.</summary>
    public void LiftBodyLimits()
    {
        if (HttpContext.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
        if (HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
    }

    public void Fail(Exception exception)
    {
        if (_isLate || _ended)
        {
            _status = Late;
            return;
        }

        switch (exception)
        {
            case RpcException failure:
                _status = failure.Status;
                foreach (var entry in failure.Trailers)
                    ResponseTrailers.Add(entry);
                return;
            case OperationCanceledException or IOException when _cancel is { IsCancellationRequested: true } && !IsAborted:
                _status = Late;
                return;
            case ConnectionAbortedException or ConnectionResetException:
            case OperationCanceledException or IOException when IsAborted:
                _status = new Status(StatusCode.Cancelled, "The call was cancelled by the caller.", exception);
                return;
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                _status = new Status(StatusCode.ResourceExhausted, "The request body is too large.", exception);
                return;
            default:
                Options.Log.LogError(exception, "Error when executing service method '{ServiceMethod}'.", Method);
                var detail = Options.DetailedErrors ? $"Exception was thrown by handler. {exception.GetType().Name}: {exception.Message}" : "Exception was thrown by handler.";
                _status = new Status(StatusCode.Unknown, detail, exception);
                return;
        }
    }
}
