using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf;
using Grpc.Core;
using ChunkSizes = Auraed.Chunks.ChunkSizes;

namespace Auraed.Cli.Assets;

/// <summary>Uploads what comes by a pipe, once and in order; the daemon cuts it. Not to be gone on with, as a pipe cannot be read again.</summary>
internal sealed class AssetStreamUpload(ClientConnection daemon, AssetService.AssetServiceClient client, ChunkSizes sizes)
{
    private const int PieceBytes = 256 * 1024;

    /// <param name="name">Of the input, for faults.</param>
    public async Task<UploadResponse> RunAsync(Stream input, string name, UploadHeader header, Progress progress, CancellationToken cancel)
    {
        using var told = progress;
        using var digest = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        using var call = client.Upload(cancellationToken: cancel);
        try
        {
            header.ChunkSizes = new Aurae.Assets.V0.ChunkSizes { Min = (uint)sizes.Min, Avg = (uint)sizes.Average, Max = (uint)sizes.Max };
            await call.RequestStream.WriteAsync(new UploadRequest { Header = header }, cancel);
            long length = 0;
            while (true)
            {
                var piece = new byte[PieceBytes];
                var count = await input.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, cancel);
                if (count == 0)
                {
                    break;
                }

                digest.AppendData(piece, 0, count);
                await call.RequestStream.WriteAsync(new UploadRequest { Data = UnsafeByteOperations.UnsafeWrap(piece.AsMemory(0, count)) }, cancel);
                length += count;
                progress.Report(length);
            }

            await call.RequestStream.WriteAsync(new UploadRequest { Commit = new UploadCommit { Size = length, Sha256 = Convert.ToHexStringLower(digest.GetHashAndReset()) } }, cancel);
            await call.RequestStream.CompleteAsync();
            return await call.ResponseAsync;
        }
        catch (RpcException error)
        {
            var fault = daemon.Explain("upload the asset", error, cancel);
            throw CutOff.Is(fault) ? CutOff.Explain(fault, "what came by a pipe is not gone on with", "begins anew, so give it its input from the beginning") : fault;
        }
        catch (IOException cause)
        {
            throw new Fault(FaultKind.Unavailable, $"{name} cannot be read: {cause.Message}", cause: cause);
        }
    }
}
