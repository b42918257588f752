using System.Buffers;
using Aurae.Assets.V0;
using Auraed.Base;
using Google.Protobuf;
using Grpc.Core;

namespace Auraed.Cli.Assets;

/// <summary>
/// The frames of one message of a download, in a pooled buffer: the generated type would copy each into an array of its own, which for a restore are hundreds of megabytes for the
/// collector. Disposing gives the buffer back. Of the message it takes, in its bytes:
///   DownloadResponse  field 3  chunks: ChunkBatch
///   ChunkBatch        field 1  chunk: Chunk, repeated
///   Chunk             field 3  frame
/// What else there is, the index has told already.
/// </summary>
internal sealed class FrameBatch : IDisposable
{
    private const int ChunksField = 3;
    private const int ChunkField = 1;
    private const int FrameField = 3;

    private readonly List<Range> _frames = [];
    private byte[] _bytes;

    private FrameBatch(ReadOnlySequence<byte> message)
    {
        _bytes = ArrayPool<byte>.Shared.Rent((int)message.Length);
        message.CopyTo(_bytes);
        try
        {
            Find((int)message.Length);
        }
        catch (InvalidDataException broken)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"The message cannot be parsed: {broken.Message}."));
        }
    }

    /// <summary>AssetService.Download, whose answers are read as this type.</summary>
    public static Method<DownloadRequest, FrameBatch> Download { get; } = new(
        MethodType.ServerStreaming,
        AssetService.Descriptor.FullName,
        nameof(Download),
        Marshallers.Create(request => request.ToByteArray(), DownloadRequest.Parser.ParseFrom),
        Marshallers.Create<FrameBatch>((_, _) => throw new NotSupportedException(), context => new FrameBatch(context.PayloadAsReadOnlySequence())));

    public int Count => _frames.Count;

    public ReadOnlySpan<byte> this[int place] => _bytes.AsSpan(_frames[place]);

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _frames.Clear();
    }

    private void Find(int length)
    {
        foreach (var chunks in new WireFields(_bytes, 0..length))
        {
            if (!chunks.IsBytes(ChunksField))
            {
                continue;
            }

            foreach (var chunk in new WireFields(_bytes, chunks.Place))
            {
                if (!chunk.IsBytes(ChunkField))
                {
                    continue;
                }

                var frame = 0..0;
                foreach (var field in new WireFields(_bytes, chunk.Place))
                {
                    frame = field.IsBytes(FrameField) ? field.Place : frame;
                }

                _frames.Add(frame);
            }
        }
    }
}
