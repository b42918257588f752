using System.Buffers;
using Auraed.Base;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Auraed.Host;

/// <summary>
/// What connections with TLS are buffered in. Every buffer that the server hands to TLS becomes a record and a write; its own have 4 KiB, these hold as much as TLS takes at once.
/// </summary>
internal sealed class RecordBuffers : MemoryPool<byte>, IMemoryPoolFeature
{
    private static readonly RecordBuffers Instance = new();

    public override int MaxBufferSize => Shared.MaxBufferSize;

    MemoryPool<byte> IMemoryPoolFeature.MemoryPool => this;

    public static ConnectionDelegate Use(ConnectionDelegate next) => connection =>
    {
        connection.Features.Set<IMemoryPoolFeature>(Instance);
        return next(connection);
    };

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, Limits.TlsBufferBytes));

    /// <summary>Of the process.</summary>
    protected override void Dispose(bool disposing)
    {
    }
}
