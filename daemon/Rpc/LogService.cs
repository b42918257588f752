using Aurae.Logs.V0;
using Auraed.Base;
using Auraed.Domain.Cells;
using Auraed.Domain.Logs;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>aurae.logs.v0.LogService: what was written, and what comes.</summary>
public sealed class LogService(CellHost cells, LogFeed feed, DrainSignal drain) : Aurae.Logs.V0.LogService.LogServiceBase
{
    public override async Task Read(ReadLogRequest request, IServerStreamWriter<ReadLogResponse> responseStream, ServerCallContext context)
    {
        var command = ReadLog.Parse(request);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Token);
        try
        {
            IAsyncEnumerable<LogLine> lines = command.Executable is null ? DaemonAsync(command, end.Token) : ExecutableAsync(command, end.Token);
            await WriteAsync(lines, responseStream, end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (drain.Token.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            throw new Fault(FaultKind.Unavailable, "the daemon stops", hint: "read again, since the time of the last line") { Reason = "STOPPING" };
        }
    }

    /// <summary>Lines that are there go together; one that comes goes at once.</summary>
    private static async Task WriteAsync(IAsyncEnumerable<LogLine> lines, IServerStreamWriter<ReadLogResponse> responses, CancellationToken cancel)
    {
        var response = new ReadLogResponse();
        int bytes = 0;
        await using IAsyncEnumerator<LogLine> reader = lines.GetAsyncEnumerator(cancel);
        ValueTask<bool> next = reader.MoveNextAsync();
        while (true)
        {
            if (response.Lines.Count > 0 && (!next.IsCompleted || bytes >= Limits.LogMessageBytesMax))
            {
                await responses.WriteAsync(response, cancel).ConfigureAwait(false);
                (response, bytes) = (new ReadLogResponse(), 0);
            }

            if (!await next.ConfigureAwait(false))
            {
                break;
            }

            response.Lines.Add(reader.Current);
            bytes += reader.Current.CalculateSize();
            next = reader.MoveNextAsync();
        }

        if (response.Lines.Count > 0)
        {
            await responses.WriteAsync(response, cancel).ConfigureAwait(false);
        }
    }

    private async IAsyncEnumerable<LogLine> ExecutableAsync(ReadLog command, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        ExecutableOutput output = cells.OutputOf(command.Cell, command.Executable!, command.Channel);
        await foreach (OutputLine line in output.ReadAsync(command.Since, command.Tail, command.IsFollowing, cancel).ConfigureAwait(false))
        {
            yield return Line(line.Text, line.Time);
        }
    }

    private async IAsyncEnumerable<LogLine> DaemonAsync(ReadLog command, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        long last = command.Tail is { } count ? Math.Max(0, feed.Last - count) : 0;
        while (true)
        {
            (List<FeedLine> lines, Task grown) = feed.After(last);
            foreach (FeedLine line in lines)
            {
                last = line.Sequence;
                if (command.Since is null || line.Time >= command.Since)
                {
                    yield return Line(line.Text, line.Time);
                }
            }

            if (!command.IsFollowing)
            {
                yield break;
            }

            await grown.WaitAsync(cancel).ConfigureAwait(false);
        }
    }

    private static LogLine Line(string text, DateTimeOffset time) => new() { Text = text, Time = Timestamp.FromDateTimeOffset(time) };
}
