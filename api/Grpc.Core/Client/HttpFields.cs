using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Core.Internal;

namespace Grpc.Net.Client.Internal;

/// <summary>Between HTTP fields and metadata, status and message.</summary>
internal static class HttpFields
{
    public const string StatusName = "grpc-status";
    private const string MessageName = "grpc-message";

    public static void Add(HttpRequestHeaders headers, Metadata metadata)
    {
        foreach (var entry in metadata)
            if (entry.Key != Metadata.EncodingRequestKey)
                headers.TryAddWithoutValidation(entry.Key, entry.FieldValue);
    }

    public static Metadata MetadataOf(HttpHeaders fields)
    {
        var metadata = new Metadata();
        foreach (var (name, values) in fields.NonValidated)
        {
            if (name.ToLowerInvariant() is StatusName or MessageName or "grpc-encoding" or "grpc-accept-encoding")
                continue;
            foreach (var value in values)
                if (!GrpcProtocol.TryAddField(metadata, name, value))
                    throw new RpcException(new Status(StatusCode.Internal, $"The binary header '{name}' is not base64."));
        }

        return metadata;
    }

    /// <summary>Null when the fields carry no status.</summary>
    public static Status? StatusOf(HttpHeaders fields)
    {
        if (!fields.NonValidated.TryGetValues(StatusName, out var values))
            return null;
        var message = fields.NonValidated.TryGetValues(MessageName, out var texts) ? GrpcProtocol.PercentDecode(texts.ToString()) : "";
        return int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            ? new Status((StatusCode)code, message)
            : new Status(StatusCode.Unknown, $"Unexpected grpc-status value '{values}'.");
    }

    /// <summary>A response that is not gRPC's: what stood in between answered.</summary>
    public static void ThrowIfNotGrpc(HttpResponseMessage response)
    {
        if (response.StatusCode != HttpStatusCode.OK)
            throw new RpcException(new Status(
                StatusOf(response.Headers)?.StatusCode ?? CodeOf(response.StatusCode), $"Bad gRPC response. HTTP status code: {(int)response.StatusCode}"));
        var contentType = response.Content.Headers.NonValidated.TryGetValues("content-type", out var values) ? values.ToString() : null;
        if (!GrpcProtocol.IsGrpcContentType(contentType))
            throw new RpcException(new Status(StatusCode.Unknown, $"Bad gRPC response. Invalid content-type value: {contentType}"));
    }

    private static StatusCode CodeOf(HttpStatusCode code) => (int)code switch
    {
        400 => StatusCode.Internal,
        401 => StatusCode.Unauthenticated,
        403 => StatusCode.PermissionDenied,
        404 => StatusCode.Unimplemented,
        429 or 502 or 503 or 504 => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };
}
