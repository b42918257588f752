using System.Security.Cryptography;
using Auraed.Domain.Records;
using Google.Protobuf;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>Who asks, for which tenant, and whether it is a repetition.</summary>
internal static class RecordCalls
{
    /// <summary>The digest of a request with an id leaves the id out and takes labels in the order of their keys: a map has no order on the wire.</summary>
    public static RecordCall Of(ServerCallContext context, string tenant, string requestId, IMessage request)
    {
        string name = RecordNames.Tenant(tenant);
        if (RecordNames.RequestId(requestId) is not { } id)
        {
            return new RecordCall(name, Principals.Of(context));
        }

        byte[] digest = SHA256.HashData([.. request.Descriptor.FullName.Select(character => (byte)character), .. RequestDigest.Canonical(request).ToByteArray()]);
        return new RecordCall(name, Principals.Of(context), id, digest);
    }
}
