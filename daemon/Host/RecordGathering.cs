using System.Buffers;
using System.IO.Pipelines;
using Auraed.Base;
using Microsoft.AspNetCore.Connections;

namespace Auraed.Host;

/// <summary>
/// What TLS writes goes to the socket several records at a time: TLS writes each by itself, and flushes when it has written all it was given. A write and a wake-up of the peer for each record
/// of 16 KiB are a good part of what a long answer costs.
/// </summary>
internal sealed class RecordGathering(IDuplexPipe transport) : IDuplexPipe
{
    public PipeReader Input => transport.Input;

    public PipeWriter Output { get; } = new Writer(transport.Output);

    public static ConnectionDelegate Use(ConnectionDelegate next) => async connection =>
    {
        var transport = connection.Transport;
        connection.Transport = new RecordGathering(transport);
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = transport;
        }
    };

    private sealed class Writer(PipeWriter socket) : PipeWriter
    {
        public override bool CanGetUnflushedBytes => socket.CanGetUnflushedBytes;

        public override long UnflushedBytes => socket.UnflushedBytes;

        public override void Advance(int bytes) => socket.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => socket.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => socket.GetSpan(sizeHint);

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            socket.Write(source.Span);
            return socket.UnflushedBytes < Limits.SocketGatherBytes ? default : socket.FlushAsync(cancellationToken);
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => socket.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => socket.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => socket.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => socket.CompleteAsync(exception);
    }
}
