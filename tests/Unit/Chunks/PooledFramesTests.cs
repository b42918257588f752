using System.Buffers;
using Aurae.Assets.V0;
using Auraed.Domain.Assets;
using Auraed.Tests.Faults;
using Google.Protobuf;
using Xunit.Abstractions;

namespace Auraed.Tests.Unit.Chunks;

/// <summary>What an upload's messages are read as: the generated type says what is right.</summary>
public sealed class PooledFramesTests(ITestOutputHelper output)
{
    private readonly Random _random = Seeds.Random(output);

    [Fact]
    public void A_batch_is_what_the_generated_type_reads()
    {
        for (var round = 0; round < 200; round++)
        {
            var message = Batch(_random.Next(20));

            Assert.True(TryRead(message.ToByteArray(), out var read));
            Assert.Equal(message, read);
        }
    }

    [Fact]
    public void A_damaged_message_is_what_the_generated_type_reads_or_left_to_it()
    {
        var (taken, left) = (0, 0);
        for (var round = 0; round < 5000; round++)
        {
            var bytes = Batch(1 + _random.Next(4), 40).ToByteArray();
            for (var change = 1 + _random.Next(3); change > 0; change--)
            {
                bytes[_random.Next(Math.Min(bytes.Length, 60))] = (byte)(_random.Next(2) == 0 ? _random.Next(256) : _random.Next(32));
            }

            bytes = bytes[..^_random.Next(Math.Min(3, bytes.Length))];
            if (TryRead(bytes, out var read))
            {
                Assert.Equal(UploadRequest.Parser.ParseFrom(bytes), read);
                taken++;
            }
            else
            {
                left++;
            }
        }

        Assert.True(taken > 100 && left > 100, $"{taken} taken, {left} left");
    }

    [Fact]
    public void Messages_of_other_kinds_are_left_to_the_generated_type()
    {
        Assert.False(TryRead([], out _));
        Assert.False(TryRead(new UploadRequest { Header = new UploadHeader { Tenant = "a" } }.ToByteArray(), out _));
        Assert.False(TryRead(new UploadRequest { Data = ByteString.CopyFrom(1, 2, 3) }.ToByteArray(), out _));
        Assert.False(TryRead(new UploadRequest { Commit = new UploadCommit { Size = 1 } }.ToByteArray(), out _));
        // Two steps in one message: the last one counts.
        var batch = Batch(2);
        Assert.False(TryRead([.. batch.ToByteArray(), .. new UploadRequest { Data = ByteString.CopyFrom(1) }.ToByteArray()], out _));
        Assert.False(TryRead([.. batch.ToByteArray(), .. batch.ToByteArray()], out _));
        // What a newer client says of a chunk.
        Assert.False(TryRead([0x1a, 6, 0x0a, 4, 0x10, 1, 0x20, 1], out _));
    }

    [Fact]
    public void A_released_message_has_no_chunk_and_a_message_of_others_keeps_its_own()
    {
        var message = Batch(5);
        Assert.True(TryRead(message.ToByteArray(), out var read));
        var first = read!.Chunks.Chunks[0];

        PooledFrames.Release(read.Chunks);
        PooledFrames.Release(read.Chunks);
        PooledFrames.Release(message.Chunks);

        Assert.Empty(read.Chunks.Chunks);
        Assert.Equal(5, message.Chunks.Chunks.Count);
        // Whoever still has a chunk of it is told, and never reads another message's bytes.
        Assert.ThrowsAny<ArgumentException>(() => first.Id.Span.Length);
    }

    /// <summary>In pieces, as the transport has them.</summary>
    private bool TryRead(byte[] message, out UploadRequest? request)
    {
        var cut = _random.Next(message.Length + 1);
        var first = new Piece(message.AsMemory(0, cut));
        var last = first.Then(message.AsMemory(cut));
        return PooledFrames.TryRead(new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length), out request);
    }

    private UploadRequest Batch(int count, int bytesMax = 5000)
    {
        var request = new UploadRequest { Chunks = new ChunkBatch() };
        for (var index = 0; index < count; index++)
        {
            request.Chunks.Chunks.Add(new Chunk { Id = Bytes(32), Size = (uint)_random.Next(70_000), Frame = Bytes(_random.Next(bytesMax)) });
        }

        return request;
    }

    private ByteString Bytes(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return ByteString.CopyFrom(bytes);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory) => Memory = memory;

        public Piece Then(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
