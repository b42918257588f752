using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using Grpc.Net.Compression;

namespace Grpc.Core.Internal;

/// <summary>
/// Puts messages on a body, in the form that <see cref="MessageDecoder"/> draws. An uncompressed message whose length is told first goes
/// straight into the transport's buffer; a small one into a single piece of it, because each piece that is asked for costs the transport
/// several locks. Invariant: nothing is written for a message that is refused for its size.
/// </summary>
internal sealed class MessageEncoder : SerializationContext, IBufferWriter<byte>
{
    /// <summary>What the transport gives in one piece without allocating.</summary>
    private const int PieceBytesMax = 4096;

    [ThreadStatic]
    private static MessageEncoder? _kept;

    private readonly PooledBuffer _buffer = new();
    private IBufferWriter<byte> _output = null!;
    private int? _bytesMax;
    private ICompressionProvider? _encoding;
    private CompressionLevel? _level;
    private Memory<byte> _piece;
    private int _pieceUsed;
    private bool _direct;
    private bool _complete;

    public static void Write<T>(
        IBufferWriter<byte> output, T message, Marshaller<T> marshaller, int? bytesMax, ICompressionProvider? encoding, CompressionLevel? level)
    {
        var encoder = _kept ?? new MessageEncoder();
        _kept = null;
        encoder._output = output;
        encoder._bytesMax = bytesMax;
        encoder._encoding = encoding;
        encoder._level = level;
        encoder._direct = encoder._complete = false;
        try
        {
            marshaller.ContextualSerializer(message, encoder);
            if (!encoder._complete)
                throw new InvalidOperationException("Serialization did not return a payload.");
        }
        finally
        {
            encoder._buffer.Dispose();
            encoder._output = null!;
            encoder._piece = default;
            _kept = encoder;
        }
    }

    public override void SetPayloadLength(int payloadLength)
    {
        Judge(payloadLength);
        if (_encoding is not null)
            return;
        _direct = true;
        if (payloadLength > PieceBytesMax - MessageDecoder.HeaderBytes)
        {
            WriteHeader(payloadLength, compressed: false);
            return;
        }

        _piece = _output.GetMemory(MessageDecoder.HeaderBytes + payloadLength)[..(MessageDecoder.HeaderBytes + payloadLength)];
        WriteHeader(_piece.Span, payloadLength, compressed: false);
        _pieceUsed = MessageDecoder.HeaderBytes;
    }

    public override IBufferWriter<byte> GetBufferWriter() => !_direct ? _buffer : _piece.IsEmpty ? _output : this;

    void IBufferWriter<byte>.Advance(int count) => _pieceUsed += count;

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint) => Rest(sizeHint);

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => Rest(sizeHint).Span;

    public override void Complete(byte[] payload)
    {
        Judge(payload.Length);
        WritePayload(payload);
        _complete = true;
    }

    public override void Complete()
    {
        if (!_direct)
        {
            Judge(_buffer.WrittenCount);
            WritePayload(_buffer.WrittenSpan);
        }
        else if (!_piece.IsEmpty)
        {
            if (_pieceUsed != _piece.Length)
                throw new InvalidOperationException("The payload is not as long as was said.");
            _output.Advance(_pieceUsed);
        }

        _complete = true;
    }

    /// <summary>What is left of the piece. A serializer that writes more than it said is a mistake.</summary>
    private Memory<byte> Rest(int sizeHint)
    {
        var rest = _piece[_pieceUsed..];
        return sizeHint <= rest.Length ? rest : throw new InvalidOperationException("The payload is longer than was said.");
    }

    private void Judge(int length)
    {
        if (length > (_bytesMax ?? int.MaxValue))
            throw new RpcException(new Status(StatusCode.ResourceExhausted, "Sending message exceeds the maximum configured message size."));
    }

    private void WritePayload(ReadOnlySpan<byte> payload)
    {
        if (_encoding is null)
        {
            WriteHeader(payload.Length, compressed: false);
            _output.Write(payload);
            return;
        }

        using var deflated = new MemoryStream();
        using (var stream = _encoding.CreateCompressionStream(deflated, _level))
            stream.Write(payload);
        WriteHeader((int)deflated.Length, compressed: true);
        _output.Write(deflated.GetBuffer().AsSpan(0, (int)deflated.Length));
    }

    private void WriteHeader(int length, bool compressed)
    {
        WriteHeader(_output.GetSpan(MessageDecoder.HeaderBytes), length, compressed);
        _output.Advance(MessageDecoder.HeaderBytes);
    }

    private static void WriteHeader(Span<byte> header, int length, bool compressed)
    {
        header[0] = compressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(header[1..], (uint)length);
    }
}
