using System.Security.Cryptography;
using Aurae.Assets.V0;
using Google.Protobuf;
using Grpc.Net.Client;

namespace Auraed.Tests.Support;

/// <summary>Programs as assets.</summary>
internal static class ServiceAssets
{
    private const int MessageBytes = 1 << 20;

    /// <summary>Uploads the bytes and returns their id.</summary>
    public static async Task<string> PutAsync(GrpcChannel channel, byte[] bytes, string tag = "")
    {
        using var call = new AssetService.AssetServiceClient(channel).Upload();
        await call.RequestStream.WriteAsync(new UploadRequest { Header = new UploadHeader { Tag = tag } });
        for (var offset = 0; offset < bytes.Length; offset += MessageBytes)
        {
            await call.RequestStream.WriteAsync(new UploadRequest { Data = ByteString.CopyFrom(bytes.AsSpan(offset, Math.Min(MessageBytes, bytes.Length - offset))) });
        }

        await call.RequestStream.WriteAsync(new UploadRequest { Commit = new UploadCommit { Size = bytes.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) } });
        await call.RequestStream.CompleteAsync();
        return (await call.ResponseAsync).Asset.Id;
    }

    /// <summary>Removes everything that nothing refers to, at once.</summary>
    public static async Task CollectAsync(GrpcChannel channel)
    {
        // The first run condemns, the second removes.
        for (var run = 0; run < 2; run++)
        {
            using var call = new AssetService.AssetServiceClient(channel).GarbageCollect(new GarbageCollectRequest { Grace = new() });
            while (await call.ResponseStream.MoveNext(default))
            {
            }
        }
    }

    /// <summary>A script that says a word and stays.</summary>
    public static byte[] Script(string word) => System.Text.Encoding.UTF8.GetBytes($"#!/bin/sh\necho {word} $0\nexec sleep 1000\n");
}
