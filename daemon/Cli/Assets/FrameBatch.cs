using System.Buffers;
using Aurae.Assets.V0;
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
        foreach (var chunks in new Fields(_bytes, 0..(int)message.Length, ChunksField))
        {
            foreach (var chunk in new Fields(_bytes, chunks, ChunkField))
            {
                var frame = 0..0;
                foreach (var found in new Fields(_bytes, chunk, FrameField))
                {
                    frame = found;
                }

                _frames.Add(frame);
            }
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

    /// <summary>The places of one field's values within a message, each a length and as many bytes.</summary>
    private struct Fields(byte[] bytes, Range message, int field)
    {
        private const int WireTypeBits = 3;
        private const int Varint = 0;
        private const int Fixed64 = 1;
        private const int Delimited = 2;
        private const int Fixed32 = 5;
        private readonly int _end = message.End.Value;
        private int _next = message.Start.Value;

        public Range Current { get; private set; }

        public readonly Fields GetEnumerator() => this;

        public bool MoveNext()
        {
            while (_next < _end)
            {
                var tag = ReadVarint();
                var start = _next;
                switch (tag & ((1 << WireTypeBits) - 1))
                {
                    case Varint:
                        _ = ReadVarint();
                        continue;
                    case Fixed64:
                        Pass(sizeof(ulong));
                        continue;
                    case Fixed32:
                        Pass(sizeof(uint));
                        continue;
                    case Delimited:
                        var length = ReadVarint();
                        start = _next;
                        Pass(length);
                        break;
                    default:
                        throw Broken();
                }

                if (tag >> WireTypeBits == (ulong)field)
                {
                    Current = start.._next;
                    return true;
                }
            }

            return false;
        }

        private void Pass(ulong length) => _next = length <= (ulong)(_end - _next) ? _next + (int)length : throw Broken();

        private ulong ReadVarint()
        {
            ulong value = 0;
            for (var shift = 0; shift < 64; shift += 7)
            {
                if (_next == _end)
                {
                    break;
                }

                var part = bytes[_next++];
                value |= (ulong)(part & 0x7f) << shift;
                if (part < 0x80)
                {
                    return value;
                }
            }

            throw Broken();
        }

        private static RpcException Broken() => new(new Status(StatusCode.Internal, "The message cannot be parsed: a field leaves it."));
    }
}
