using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Auraed.Base;
using Auraed.Native;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Auraed.Host;

/// <summary>
/// A connection with a thread that waits for what comes in; what goes out is written by whoever has it. The runtime's sockets wake two more threads for each request, and one for
/// each answer that is taken, which is a good part of what a caller who waits for each answer waits for.
/// Invariants: the socket's descriptor is closed after the thread has ended and nothing is sent; a peer that takes nothing holds no thread.
/// </summary>
internal sealed class LocalConnection : DefaultConnectionContext, IConnectionSocketFeature
{
    private static long s_last;

    private readonly Pipe _input = new(Options(Limits.SocketReadBytesMax, Limits.SocketReadBytes));
    private readonly Pipe _output = new(Options(Limits.SocketWriteBytesMax, Limits.SocketWriteBytes));
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _received = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action _left;
    private Task _sent = Task.CompletedTask;
    private Exception? _reason;

    private LocalConnection(Socket socket, Action left)
        : base($"L{Interlocked.Increment(ref s_last):X}")
    {
        Socket = socket;
        _left = left;
        Transport = new Duplex(_input.Reader, _output.Writer);
        ConnectionClosed = _closed.Token;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        Features.Set<IConnectionSocketFeature>(this);
    }

    public Socket Socket { get; }

    /// <summary>OutOfMemoryException when the system gives no thread; the socket is as it was.</summary>
    /// <param name="left">Called when the thread ends.</param>
    public static LocalConnection Start(Socket socket, Action left)
    {
        var connection = new LocalConnection(socket, left);
        new Thread(connection.Receive) { IsBackground = true, Name = "connection" }.Start();
        connection._sent = connection.SendAsync();
        return connection;
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        Interlocked.CompareExchange(ref _reason, abortReason, null);
        ShutDown();
        _output.Reader.CancelPendingRead();
    }

    public override async ValueTask DisposeAsync()
    {
        _input.Reader.Complete();
        _output.Writer.Complete();
        try
        {
            await _sent.ConfigureAwait(false);
        }
        finally
        {
            await _received.Task.ConfigureAwait(false);
            Socket.Dispose();
            await base.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static PipeOptions Options(long bytesMax, int segmentBytes) => new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: bytesMax, resumeWriterThreshold: bytesMax / 2,
        minimumSegmentSize: segmentBytes, useSynchronizationContext: false);

    private void Receive()
    {
        try
        {
            var writer = _input.Writer;
            var room = Limits.SocketReadBytes;
            while (true)
            {
                var target = writer.GetSpan(room);
                var count = LocalSocket.Receive(Socket.SafeHandle, target);
                if (count == 0)
                {
                    break;
                }

                // A connection that is silent holds a small buffer, one that brings much is read in few calls.
                room = count < target.Length ? Limits.SocketReadBytes : Limits.SocketReadBytesAtOnce;
                writer.Advance(count);
                KestrelScheduling.Received(count);
                var flush = writer.FlushAsync();
                var flushed = flush.IsCompleted ? flush.Result : flush.AsTask().GetAwaiter().GetResult();
                if (flushed.IsCompleted || flushed.IsCanceled)
                {
                    break;
                }
            }
        }
        catch (IOException error)
        {
            Interlocked.CompareExchange(ref _reason, new ConnectionResetException(error.Message, error), null);
        }

        _input.Writer.Complete(Volatile.Read(ref _reason));
        _left();
        _received.SetResult();
        ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Cancel(), _closed, preferLocal: false);
    }

    private async Task SendAsync()
    {
        try
        {
            var reader = _output.Reader;
            while (true)
            {
                var result = await reader.ReadAsync().ConfigureAwait(false);
                if (result.IsCanceled)
                {
                    break;
                }

                var rest = result.Buffer;
                while (!rest.IsEmpty)
                {
                    var sent = LocalSocket.TrySend(Socket.SafeHandle, rest);
                    rest = rest.Slice(sent > 0 ? sent : await Socket.SendAsync(Parts(rest)).ConfigureAwait(false));
                }

                reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            Interlocked.CompareExchange(ref _reason, new ConnectionResetException(error.Message, error), null);
        }
        finally
        {
            ShutDown();
            _output.Reader.Complete();
            // The thread would wait for room in it for ever.
            _input.Writer.CancelPendingFlush();
        }
    }

    private static List<ArraySegment<byte>> Parts(in ReadOnlySequence<byte> bytes)
    {
        var parts = new List<ArraySegment<byte>>();
        foreach (var memory in bytes)
        {
            var isArray = MemoryMarshal.TryGetArray(memory, out var part);
            Invariant.Hold(isArray);
            parts.Add(part);
        }

        return parts;
    }

    /// <summary>The thread wakes up, and so does the peer.</summary>
    private void ShutDown()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The peer was first.
        }
    }

    private sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
