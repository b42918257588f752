using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Supervise;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Services;

/// <summary>What is asked of a service's logs, checked.</summary>
/// <param name="Since">Null for all that is kept.</param>
/// <param name="Tail">Null for all.</param>
public sealed record LogsCommand(string Tenant, string Name, IReadOnlyList<LogStream> Streams, bool IsFollowing, DateTimeOffset? Since, int? Tail);

/// <summary>Reads what services have written.</summary>
public sealed class ServiceLogs(ProcessLogs logs, ServiceReader reader)
{
    public static LogsCommand Parse(LogsRequest request, string tenant)
    {
        if (request.HasTail && request.Tail is < 0 or > Limits.LogTailLinesMax)
        {
            throw Fault.Invalid("tail", $"tail is not between 0 and {Limits.LogTailLinesMax}");
        }

        LogStream[] streams = request.Stream switch
        {
            LogStream.Unspecified => [LogStream.Output, LogStream.Error],
            LogStream.Output or LogStream.Error => [request.Stream],
            _ => throw Fault.Invalid("stream", $"stream {(int)request.Stream} is not known"),
        };
        return new LogsCommand(tenant, ServiceNames.Parse(request.Name), streams, request.Follow, request.Since?.ToDateTimeOffset(), request.HasTail ? request.Tail : null);
    }

    /// <summary>Lines in the order of their seconds; messages of some of them.</summary>
    public async IAsyncEnumerable<LogsResponse> ReadAsync(LogsCommand command, [EnumeratorCancellation] CancellationToken cancel)
    {
        _ = await reader.GetAsync(command.Tenant, command.Name, cancel).ConfigureAwait(false);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        IAsyncEnumerable<LogEntry> lines = command.IsFollowing ? FollowAsync(command, end.Token) : MergeAsync(command, end.Token);
        var response = new LogsResponse();
        int characters = 0;
        await foreach (LogEntry line in lines.ConfigureAwait(false))
        {
            response.Lines.Add(line);
            characters += line.Text.Length;
            if (command.IsFollowing || response.Lines.Count == Limits.LogLinesPerMessageMax || characters > Limits.LogMessageCharactersMax)
            {
                yield return response;
                (response, characters) = (new LogsResponse(), 0);
            }
        }

        if (response.Lines.Count > 0)
        {
            yield return response;
        }
    }

    private async IAsyncEnumerable<LogEntry> MergeAsync(LogsCommand command, [EnumeratorCancellation] CancellationToken cancel)
    {
        var open = new List<IAsyncEnumerator<LogEntry>>();
        try
        {
            foreach (LogStream stream in command.Streams)
            {
                IAsyncEnumerator<LogEntry> lines = LinesAsync(command, stream, cancel).GetAsyncEnumerator(cancel);
                open.Add(lines);
                if (!await lines.MoveNextAsync().ConfigureAwait(false))
                {
                    open.Remove(lines);
                    await lines.DisposeAsync().ConfigureAwait(false);
                }
            }

            while (open.MinBy(lines => lines.Current.Time.ToDateTimeOffset()) is { } first)
            {
                yield return first.Current;
                if (!await first.MoveNextAsync().ConfigureAwait(false))
                {
                    open.Remove(first);
                    await first.DisposeAsync().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            foreach (IAsyncEnumerator<LogEntry> lines in open)
            {
                await lines.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async IAsyncEnumerable<LogEntry> FollowAsync(LogsCommand command, [EnumeratorCancellation] CancellationToken cancel)
    {
        // A slow reader holds so many lines, and the pumps wait.
        var channel = Channel.CreateBounded<LogEntry>(Limits.LogLinesPerMessageMax);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task[] pumps = [.. command.Streams.Select(stream => PumpAsync(command, stream, channel.Writer, end.Token))];
        try
        {
            await foreach (LogEntry line in channel.Reader.ReadAllAsync(cancel).ConfigureAwait(false))
            {
                yield return line;
            }
        }
        finally
        {
            await end.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(pumps).ConfigureAwait(false);
        }
    }

    private async Task PumpAsync(LogsCommand command, LogStream stream, ChannelWriter<LogEntry> lines, CancellationToken cancel)
    {
        try
        {
            await foreach (LogEntry line in LinesAsync(command, stream, cancel).ConfigureAwait(false))
            {
                await lines.WriteAsync(line, cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader has gone.
        }
        catch (Fault fault)
        {
            _ = lines.TryComplete(fault);
        }
        catch (IOException failure)
        {
            _ = lines.TryComplete(new Fault(FaultKind.Internal, $"the log cannot be read: {failure.Message}", cause: failure));
        }
    }

    private async IAsyncEnumerable<LogEntry> LinesAsync(LogsCommand command, LogStream stream, [EnumeratorCancellation] CancellationToken cancel)
    {
        ProcessLog log = logs.Open(ServiceNames.Log(command.Tenant, command.Name, stream));
        long offset = Math.Max(command.Since is { } since ? log.OffsetAt(since) : 0, command.Tail is { } count ? ProcessLogs.OffsetOfLast(log, count) : 0);
        await foreach (LogLine line in logs.ReadAsync(log, offset, command.IsFollowing, null, cancel).ConfigureAwait(false))
        {
            yield return new LogEntry { Stream = stream, Time = Timestamp.FromDateTimeOffset(line.Time), Text = line.Text };
        }
    }
}
