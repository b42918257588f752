using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.Net.Compression;

namespace Grpc.Core.Internal;

/// <summary>
/// Takes messages off a body. On the wire each is:
///   byte 0      1 when the payload is compressed with the call's encoding, else 0
///   byte 1..4   payload length, big endian
///   byte 5..    payload
/// The length is judged before anything is held for it, and again while a compressed payload is inflated.
/// </summary>
internal readonly struct MessageDecoder(int? bytesMax, ICompressionProvider? encoding)
{
    public const int HeaderBytes = 5;

    /// <summary>Reads the next message; null at the end of the body.</summary>
    public async ValueTask<T?> ReadAsync<T>(PipeReader reader, Marshaller<T> marshaller, CancellationToken cancel) where T : class
    {
        while (true)
        {
            if (!reader.TryRead(out var result))
                result = await reader.ReadAsync(cancel).ConfigureAwait(false);
            if (result.IsCanceled)
                throw new OperationCanceledException(cancel);
            if (TryTake(reader, result, marshaller, out var message, out _))
                return message;
            if (result.IsCompleted)
                return null;
        }
    }

    /// <summary>True with a message, or with null at the end; false when more bytes are needed. What was taken is given back to the reader.</summary>
    /// <param name="isLast">The body is known to end behind the message: it need not be read again to find that out.</param>
    public bool TryTake<T>(PipeReader reader, ReadResult result, Marshaller<T> marshaller, out T? message, out bool isLast) where T : class
    {
        message = null;
        isLast = false;
        var buffer = result.Buffer;
        if (TryFrame(buffer, out var payload, out var compressed))
        {
            message = compressed ? Inflate(payload, marshaller) : Deserialize(payload, marshaller);
            isLast = result.IsCompleted && payload.End.Equals(buffer.End);
            reader.AdvanceTo(payload.End);
            return true;
        }

        if (result.IsCompleted && !buffer.IsEmpty)
            throw new RpcException(new Status(StatusCode.Internal, "Incomplete message."));
        reader.AdvanceTo(buffer.Start, buffer.End);
        return result.IsCompleted;
    }

    private bool TryFrame(in ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> payload, out bool compressed)
    {
        payload = default;
        compressed = false;
        if (buffer.Length < HeaderBytes)
            return false;
        Span<byte> copy = stackalloc byte[HeaderBytes];
        scoped var header = buffer.FirstSpan;
        if (header.Length < HeaderBytes)
        {
            buffer.Slice(0, HeaderBytes).CopyTo(copy);
            header = copy;
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (header[0] > 1)
            throw new RpcException(new Status(StatusCode.Internal, "Unexpected compressed flag value in message header."));
        if (length > (uint)(bytesMax ?? int.MaxValue))
            throw TooLarge();
        compressed = header[0] == 1;
        if (compressed && encoding is null)
            throw new RpcException(new Status(StatusCode.Internal, "A message is marked compressed, but grpc-encoding names no encoding."));
        if (buffer.Length - HeaderBytes < length)
            return false;
        payload = buffer.Slice(HeaderBytes, length);
        return true;
    }

    private T Inflate<T>(in ReadOnlySequence<byte> payload, Marshaller<T> marshaller)
    {
        var compressed = ArrayPool<byte>.Shared.Rent((int)payload.Length);
        using var inflated = new PooledBuffer();
        try
        {
            payload.CopyTo(compressed);
            using var source = new MemoryStream(compressed, 0, (int)payload.Length, writable: false);
            using var stream = encoding!.CreateDecompressionStream(source);
            while (stream.Read(inflated.GetSpan()) is var count and > 0)
            {
                inflated.Advance(count);
                if (inflated.WrittenCount > (bytesMax ?? int.MaxValue))
                    throw TooLarge();
            }
        }
        catch (InvalidDataException exception)
        {
            throw new RpcException(new Status(StatusCode.Internal, "The compressed message cannot be inflated.", exception));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(compressed);
        }

        return Deserialize(new ReadOnlySequence<byte>(inflated.WrittenMemory), marshaller);
    }

    private static T Deserialize<T>(in ReadOnlySequence<byte> payload, Marshaller<T> marshaller)
    {
        var context = Payload.Rent(payload);
        try
        {
            return marshaller.ContextualDeserializer(context);
        }
        catch (Google.Protobuf.InvalidProtocolBufferException exception)
        {
            throw new RpcException(new Status(StatusCode.Internal, "The message cannot be parsed: " + exception.Message, exception));
        }
        finally
        {
            Payload.Return(context);
        }
    }

    private static RpcException TooLarge() => new(new Status(StatusCode.ResourceExhausted, "Received message exceeds the maximum configured message size."));

    /// <summary>Hands one payload to a deserializer; one instance per thread is kept.</summary>
    private sealed class Payload : DeserializationContext
    {
        [ThreadStatic]
        private static Payload? _kept;

        private ReadOnlySequence<byte> _bytes;

        public override int PayloadLength => (int)_bytes.Length;
        public override byte[] PayloadAsNewBuffer() => _bytes.ToArray();
        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _bytes;

        public static Payload Rent(in ReadOnlySequence<byte> bytes)
        {
            var context = _kept ?? new Payload();
            _kept = null;
            context._bytes = bytes;
            return context;
        }

        public static void Return(Payload context)
        {
            context._bytes = default;
            _kept = context;
        }
    }
}
