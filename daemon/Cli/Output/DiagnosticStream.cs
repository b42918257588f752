namespace Auraed.Cli.Output;

/// <summary>
/// Standard error as bytes. What was printed before comes before, although it is held back. A failure to write is passed over: there is nowhere left to tell it, and what the verb
/// did and ends with does not depend on it.
/// </summary>
internal sealed class DiagnosticStream(TextWriter results, Stream error) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            results.Flush();
        }
        catch (IOException)
        {
            // The end of the verb finds it again.
        }

        try
        {
            error.Write(buffer);
        }
        catch (IOException)
        {
            // Nobody can be told.
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // Nothing is held back.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
