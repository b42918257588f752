using System.Buffers;
using Aurae.Assets.V0;
using Auraed.Cli.Assets;
using Google.Protobuf;
using Grpc.Core;

namespace Auraed.Tests.Unit.Cli;

/// <summary>What a download's messages are read as.</summary>
public sealed class FrameBatchTests
{
    [Fact]
    public void A_batch_holds_the_frames_that_the_generated_type_holds()
    {
        var message = new DownloadResponse { Chunks = new ChunkBatch() };
        for (var length = 0; length < 70_000; length = (length * 3) + 1)
        {
            message.Chunks.Chunks.Add(new Chunk { Id = ByteString.CopyFrom(new byte[32]), Size = (uint)length, Frame = ByteString.CopyFrom([.. Enumerable.Range(0, length).Select(place => (byte)place)]) });
        }

        using var batch = Read(message.ToByteArray());

        Assert.Equal(message.Chunks.Chunks.Count, batch.Count);
        for (var place = 0; place < batch.Count; place++)
        {
            Assert.True(batch[place].SequenceEqual(message.Chunks.Chunks[place].Frame.Span));
        }
    }

    [Fact]
    public void A_message_without_chunks_is_a_batch_of_none()
    {
        using var asset = Read(new DownloadResponse { Asset = new Asset { Id = "x", Size = 1 } }.ToByteArray());
        using var nothing = Read([]);

        Assert.Equal(0, asset.Count);
        Assert.Equal(0, nothing.Count);
    }

    [Fact]
    public void What_a_newer_daemon_adds_to_a_chunk_is_passed_over()
    {
        // Field 9 in each wire type: a varint, eight bytes, four bytes, and a length with its bytes.
        byte[] chunk = [0x48, 0x96, 0x01, 0x49, 1, 2, 3, 4, 5, 6, 7, 8, 0x4d, 1, 2, 3, 4, 0x4a, 2, 7, 7, 0x1a, 3, 10, 20, 30];
        byte[] chunks = [0x0a, (byte)chunk.Length, .. chunk];

        using var batch = Read([0x1a, (byte)chunks.Length, .. chunks]);

        Assert.Equal(1, batch.Count);
        Assert.Equal([10, 20, 30], batch[0].ToArray());
    }

    [Theory]
    [InlineData(new byte[] { 0x1a, 5, 0x0a, 9, 0x1a, 1, 0 })]
    [InlineData(new byte[] { 0x1a, 200 })]
    [InlineData(new byte[] { 0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 })]
    [InlineData(new byte[] { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1 })]
    [InlineData(new byte[] { 0x1b, 0 })]
    [InlineData(new byte[] { 0x19, 1, 2, 3 })]
    public void A_field_that_leaves_its_message_is_refused(byte[] message)
    {
        var refused = Assert.Throws<RpcException>(() => Read(message));

        Assert.Equal(StatusCode.Internal, refused.StatusCode);
    }

    private static FrameBatch Read(byte[] message) => FrameBatch.Download.ResponseMarshaller.ContextualDeserializer(new Payload(message));

    private sealed class Payload(byte[] bytes) : DeserializationContext
    {
        public override int PayloadLength => bytes.Length;

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(bytes);
    }
}
