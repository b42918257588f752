using Auraed.Cli;

namespace Auraed.Tests.Unit.Cli;

public sealed class WideReadsTests
{
    [Fact]
    public async Task What_is_read_is_what_came_whatever_is_asked_for()
    {
        var random = new Random(3);
        var content = new byte[1_000_000];
        random.NextBytes(content);
        await using var stream = new WideReads(new Pieces(content, random));
        var read = new List<byte>();
        var buffer = new byte[300_000];
        for (var asked = 1; ; asked = random.Next(3) == 0 ? random.Next(1, 10) : random.Next(1, buffer.Length))
        {
            // A read of no bytes waits and takes nothing.
            Assert.Equal(0, random.Next(4) == 0 ? await stream.ReadAsync(Memory<byte>.Empty) : 0);
            var count = await stream.ReadAsync(buffer.AsMemory(0, asked));
            if (count == 0)
            {
                break;
            }

            Assert.InRange(count, 1, asked);
            read.AddRange(buffer.AsSpan(0, count));
        }

        Assert.Equal(content, read.ToArray());
        Assert.Equal(0, await stream.ReadAsync(buffer));
    }

    [Fact]
    public async Task What_fails_or_is_cut_short_is_the_reader_s_and_writing_goes_on()
    {
        var inner = new Pieces(new byte[10], new Random(4)) { Failure = new IOException("cut") };
        await using var stream = new WideReads(inner);
        Assert.Same(inner.Failure, await Assert.ThrowsAsync<IOException>(() => stream.ReadAsync(new byte[5]).AsTask()));
        await stream.WriteAsync(new byte[7]);
        Assert.Equal(7, inner.Written);
        inner.Failure = null;
        Assert.InRange(await stream.ReadAsync(new byte[5]), 1, 5);
    }

    /// <summary>Gives some of what is left at a time, at once or later.</summary>
    private sealed class Pieces(byte[] content, Random random) : PassingStream(Null)
    {
        private int _at;

        public IOException? Failure { get; set; }

        public int Written { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (random.Next(2) == 0)
            {
                await Task.Yield();
            }

            if (Failure is { } failure)
            {
                throw failure;
            }

            var count = Math.Min(Math.Min(buffer.Length, content.Length - _at), random.Next(1, 200_000));
            content.AsSpan(_at, count).CopyTo(buffer.Span);
            _at += count;
            return count;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Written += buffer.Length;
            return ValueTask.CompletedTask;
        }
    }
}
