using System.CommandLine;
using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Cli.Verbs;

/// <summary>`auraed events consume`: prints what a cursor hands out, and acknowledges what was written; what could not be is handed out again when its lease ends.</summary>
internal static class ConsumeVerb
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryWait = TimeSpan.FromSeconds(1);

    private static readonly Argument<string> Name = new("CURSOR") { Description = "The cursor's name." };

    private static readonly Option<string> Tenant = new("--tenant") { Description = "Whose cursor. [default: default]", HelpName = "NAME" };

    private static readonly Option<string> Consumer = new("--consumer") { Description = "Who takes the events, for others to see. [default: the certificate's name]", HelpName = "NAME" };

    private static readonly Option<long> Count = new("--lines", "-n") { Description = "End after so many events; 0 never ends. [default: 0]", HelpName = "COUNT" };

    private static readonly Option<bool> Drain = new("--drain") { Description = "End when there is nothing more to hand out." };

    private static readonly Option<bool> Keep = new("--no-ack") { Description = "Acknowledge nothing: the events are handed out again when their lease ends." };

    public static Verb Build(CliEnvironment environment) => new Verb("consume", "Print the events that a cursor hands out, and acknowledge them once they are written. What could not be written is handed out again when its lease ends.",
        "auraed events consume billing",
        "auraed events consume billing --drain --output json > events.json",
        "auraed events consume billing --consumer worker-2 -n 1")
        .With(Name, Tenant, Consumer, Count, Drain, Keep).Calls(environment, ConsumeAsync);

    private static async Task ConsumeAsync(Invocation invocation, CancellationToken cancel)
    {
        var client = new CursorService.CursorServiceClient(invocation.Daemon.Invoker);
        var lines = new EventLines(invocation.Printer);
        long left = invocation.Value(Count) is > 0 and var count ? count : long.MaxValue;
        var (isBegun, isAway) = (false, false);
        while (left > 0)
        {
            invocation.Terminal.RequireReader();
            PullRequest request = Request(invocation, left);
            PullResponse pulled;
            try
            {
                pulled = await invocation.Daemon.CallAsync($"pull from the cursor '{request.Name}'", options => client.PullAsync(request, options), cancel);
                (isBegun, isAway) = (true, false);
            }
            catch (Fault fault) when (isBegun && ClientConnection.IsAway(fault))
            {
                if (!isAway)
                {
                    invocation.Warn($"{fault.Message}; waiting for it");
                    isAway = true;
                }

                await Task.Delay(RetryWait, invocation.Environment.Time, cancel);
                continue;
            }

            if (pulled.Deliveries.Count == 0 && invocation.Value(Drain))
            {
                return;
            }

            lines.Print([.. pulled.Deliveries.Select(delivery => delivery.Event)]);
            left -= pulled.Deliveries.Count;
            invocation.Terminal.RequireReader();
            if (pulled.Deliveries.Count > 0 && !invocation.Value(Keep))
            {
                var settled = new AcknowledgeRequest { Tenant = request.Tenant, Events = new Leased { Cursor = request.Name, Lease = pulled.Lease } };
                await invocation.Daemon.CallAsync("acknowledge what is printed", options => client.AcknowledgeAsync(settled, options), cancel);
            }
        }
    }

    /// <summary>Waits for less than the call may take.</summary>
    private static PullRequest Request(Invocation invocation, long left)
    {
        TimeSpan timeout = invocation.Value(GlobalOptions.Timeout);
        TimeSpan wait = invocation.Value(Drain) ? TimeSpan.Zero : timeout > TimeSpan.Zero && timeout / 2 < WaitMax ? timeout / 2 : WaitMax;
        return new PullRequest
        {
            Tenant = invocation.Value(Tenant) ?? string.Empty,
            Name = invocation.Value(Name)!,
            Consumer = invocation.Value(Consumer) ?? string.Empty,
            EventsMax = (int)Math.Min(left, Limits.CursorPullEventsDefault),
            Wait = Duration.FromTimeSpan(wait),
        };
    }
}
