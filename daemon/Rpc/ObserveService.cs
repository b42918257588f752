using Aurae.Observe.V0;
using Auraed.Base;
using Auraed.Domain.Cells;
using Grpc.Core;

namespace Auraed.Rpc;

/// <summary>
/// aurae.observe.v0.ObserveService, with upstream's codes and texts: what comes from now on. Unlike upstream, it tells the daemon's log, and the output of
/// processes in cells, and needs no eBPF for signals. What was before is told by <see cref="LogService"/>.
/// </summary>
public sealed class ObserveService(CellHost cells, HostSignals signals, LogFeed feed, DrainSignal drain) : Aurae.Observe.V0.ObserveService.ObserveServiceBase
{
    private const string DaemonChannel = "auraed";

    public override async Task GetAuraeDaemonLogStream(
        GetAuraeDaemonLogStreamRequest request, IServerStreamWriter<GetAuraeDaemonLogStreamResponse> responseStream, ServerCallContext context)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Token);
        long last = feed.Last;
        await context.WriteResponseHeadersAsync([]).ConfigureAwait(false);
        try
        {
            while (true)
            {
                (List<FeedLine> lines, Task grown) = feed.After(last);
                foreach (FeedLine line in lines)
                {
                    last = line.Sequence;
                    var item = new LogItem { Channel = DaemonChannel, Line = line.Text, Timestamp = line.Time.ToUnixTimeSeconds() };
                    await responseStream.WriteAsync(new GetAuraeDaemonLogStreamResponse { Item = item }, end.Token).ConfigureAwait(false);
                }

                await grown.WaitAsync(end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (drain.Token.IsCancellationRequested)
        {
            // The stream ends with the daemon.
        }
    }

    public override async Task GetSubProcessStream(
        GetSubProcessStreamRequest request, IServerStreamWriter<GetSubProcessStreamResponse> responseStream, ServerCallContext context)
    {
        (ExecutableOutput output, string channel) = Find(request);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Token);
        await context.WriteResponseHeadersAsync([]).ConfigureAwait(false);
        try
        {
            await foreach (OutputLine line in output.FollowAsync(end.Token).ConfigureAwait(false))
            {
                var item = new LogItem { Channel = $"{output.Executable}::{channel}", Line = line.Text, Timestamp = line.Time.ToUnixTimeSeconds() };
                await responseStream.WriteAsync(new GetSubProcessStreamResponse { Item = item }, end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (drain.Token.IsCancellationRequested)
        {
            // As above.
        }
    }

    /// <summary>
    /// Signals as the kernel's trace tells them. The id of a cell limits it to the processes in that cell, without those of cells within, as upstream does; other workloads
    /// limit nothing, as there. Unlike upstream, which takes two cells whose names differ in case for one, names are compared as they are. Processes have the host's
    /// numbers, as Start answers them.
    /// </summary>
    public override async Task GetPosixSignalsStream(
        GetPosixSignalsStreamRequest request, IServerStreamWriter<GetPosixSignalsStreamResponse> responseStream, ServerCallContext context)
    {
        bool isOfCell = request.Workload is { WorkloadType: WorkloadType.Cell };
        using SignalStream stream = signals.Follow(isOfCell ? CellName.Parse(request.Workload.Id, "workload.id") : null);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Token);
        await context.WriteResponseHeadersAsync([]).ConfigureAwait(false);
        try
        {
            await foreach (HostSignal sent in stream.ReadAsync(end.Token).ConfigureAwait(false))
            {
                await responseStream.WriteAsync(new GetPosixSignalsStreamResponse { Signal = new Signal { Signal_ = sent.Number, ProcessId = sent.ProcessId } }, end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (drain.Token.IsCancellationRequested)
        {
            // As above.
        }
    }

    private (ExecutableOutput Output, string Channel) Find(GetSubProcessStreamRequest request)
    {
        if (!Enum.IsDefined(request.ChannelType))
        {
            throw Fault.Invalid("channel_type", $"{(int)request.ChannelType} is not a valid LogChannelType");
        }

        LogChannel channel = request.ChannelType == LogChannelType.Stderr ? LogChannel.Error : LogChannel.Output;
        ExecutableOutput output = cells.OutputOf(request.ProcessId, channel)
            ?? throw Fault.NotFound($"Failed to find any registered channels for {request.ProcessId}");
        return request.ChannelType == LogChannelType.Unspecified
            ? throw Fault.NotFound($"Failed to find channel type {request.ChannelType} for {request.ProcessId}")
            : (output, channel == LogChannel.Error ? "stderr" : "stdout");
    }
}
