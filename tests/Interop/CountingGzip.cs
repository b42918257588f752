using System.IO.Compression;
using Grpc.Net.Compression;

namespace Auraed.Tests.Interop;

/// <summary>gzip that counts messages: how a test sees the compressed flag, which the API does not show.</summary>
public sealed class CountingGzip : ICompressionProvider
{
    private readonly GzipCompressionProvider _gzip = new(CompressionLevel.Fastest);
    private int _inflated;

    public int Inflated => Volatile.Read(ref _inflated);
    public string EncodingName => "gzip";

    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) => _gzip.CreateCompressionStream(stream, compressionLevel);

    public Stream CreateDecompressionStream(Stream stream)
    {
        Interlocked.Increment(ref _inflated);
        return _gzip.CreateDecompressionStream(stream);
    }
}
