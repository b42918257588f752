using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Aurae.Assets.V0;
using Auraed.Base;
using Google.Protobuf;

namespace Auraed.Domain.Assets;

/// <summary>
/// The bytes of an upload's message with chunks, in a pooled buffer that its ids and frames are places of: the generated type would copy each into an array of its own, which
/// for an ingest are hundreds of megabytes for the collector. Invariant: who takes a message releases it when he is done with its bytes; one that is
/// not released is the collector's.
/// </summary>
public sealed class PooledFrames : MemoryManager<byte>
{
    private const byte ChunksTag = (UploadRequest.ChunksFieldNumber << 3) | 2;

    private byte[] _bytes;

    private PooledFrames(in ReadOnlySequence<byte> message)
    {
        _bytes = ArrayPool<byte>.Shared.Rent((int)message.Length);
        message.CopyTo(_bytes);
    }

    /// <summary>What the generated type reads of the message, when it is chunks and nothing else. False for any other, which it is to read itself, or to refuse.</summary>
    public static bool TryRead(in ReadOnlySequence<byte> message, [NotNullWhen(true)] out UploadRequest? request)
    {
        request = null;
        if (!new SequenceReader<byte>(message).TryPeek(out byte tag) || tag != ChunksTag)
        {
            return false;
        }

        var frames = new PooledFrames(message);
        try
        {
            request = frames.Read((int)message.Length);
        }
        catch (InvalidDataException)
        {
            // The generated type says what is wrong with it.
        }

        if (request is null)
        {
            frames.Release();
        }

        return request is not null;
    }

    /// <summary>Gives the message's buffer back; its ids and frames are empty from here on. A message that has none of ours is left alone.</summary>
    public static void Release(ChunkBatch batch)
    {
        foreach (Chunk chunk in batch.Chunks)
        {
            if (MemoryMarshal.TryGetMemoryManager(chunk.Id.Memory, out PooledFrames? frames))
            {
                batch.Chunks.Clear();
                frames.Release();
                return;
            }
        }
    }

    public override Span<byte> GetSpan() => _bytes;

    public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException("frames are read where they stand, never pinned");

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing) => Release();

    private void Release()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    /// <summary>Null when there is anything but one batch, chunks in it, and what this version knows of a chunk.</summary>
    private UploadRequest? Read(int length)
    {
        ChunkBatch? batch = null;
        foreach (WireField field in new WireFields(_bytes, 0..length))
        {
            if (batch is not null || !field.IsBytes(UploadRequest.ChunksFieldNumber))
            {
                return null;
            }

            batch = new ChunkBatch();
            foreach (WireField chunk in new WireFields(_bytes, field.Place))
            {
                if (!chunk.IsBytes(ChunkBatch.ChunksFieldNumber) || Chunk(chunk.Place) is not { } read)
                {
                    return null;
                }

                batch.Chunks.Add(read);
            }
        }

        return batch is null ? null : new UploadRequest { Chunks = batch };
    }

    private Chunk? Chunk(Range message)
    {
        var chunk = new Chunk();
        foreach (WireField field in new WireFields(_bytes, message))
        {
            switch (field)
            {
                case { Number: Aurae.Assets.V0.Chunk.IdFieldNumber, IsDelimited: true }:
                    chunk.Id = Bytes(field.Place);
                    break;
                case { Number: Aurae.Assets.V0.Chunk.SizeFieldNumber, IsVarint: true }:
                    chunk.Size = (uint)field.Varint;
                    break;
                case { Number: Aurae.Assets.V0.Chunk.FrameFieldNumber, IsDelimited: true }:
                    chunk.Frame = Bytes(field.Place);
                    break;
                default:
                    return null;
            }
        }

        return chunk;
    }

    private ByteString Bytes(Range place) => UnsafeByteOperations.UnsafeWrap(Memory[place]);
}
