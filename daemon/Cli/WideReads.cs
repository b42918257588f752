using System.Buffers;
using Auraed.Base;

namespace Auraed.Cli;

/// <summary>Reads a socket in larger pieces than it is asked for: TLS and HTTP/2 ask for a record or a frame at a time, and a download has more waiting.</summary>
internal sealed class WideReads(Stream socket) : PassingStream(socket)
{
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Limits.ClientReadBytes);
    private int _start;
    private int _end;

    /// <summary>A read of no bytes only waits until there are some.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_start < _end)
        {
            return ValueTask.FromResult(Take(buffer));
        }

        var filled = buffer.IsEmpty ? Inner.ReadAsync(buffer, cancellationToken) : Inner.ReadAsync(_buffer, cancellationToken);
        return filled.IsCompletedSuccessfully ? ValueTask.FromResult(Fill(filled.Result, buffer)) : FillAsync(filled, buffer);
    }

    private async ValueTask<int> FillAsync(ValueTask<int> filled, Memory<byte> buffer) => Fill(await filled.ConfigureAwait(false), buffer);

    private int Fill(int count, Memory<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return count;
        }

        (_start, _end) = (0, count);
        return Take(buffer);
    }

    private int Take(Memory<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(buffer.Span);
        _start += count;
        return count;
    }
}
