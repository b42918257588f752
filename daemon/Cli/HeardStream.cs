namespace Auraed.Cli;

/// <summary>A connection that tells when the peer has said its first word.</summary>
internal sealed class HeardStream(Stream inner, Action heard) : PassingStream(inner)
{
    private bool _isHeard;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _isHeard ? Inner.ReadAsync(buffer, cancellationToken) : ReadFirstAsync(buffer, cancellationToken);

    /// <summary>A read of no bytes only waits until there are some.</summary>
    private async ValueTask<int> ReadFirstAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        var count = await Inner.ReadAsync(buffer, cancel);
        if (count > 0)
        {
            _isHeard = true;
            heard();
        }

        return count;
    }
}
