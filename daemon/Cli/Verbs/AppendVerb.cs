using System.CommandLine;
using Aurae.Events.V0;
using Auraed.Base;

namespace Auraed.Cli.Verbs;

/// <summary>`auraed events append`.</summary>
internal static class AppendVerb
{
    private static readonly Argument<string> Kind = new("KIND") { Description = "As app.orders.placed; what begins with \"app.\" is an application's." };

    private static readonly Argument<string> Subject = new("SUBJECT") { Description = "What the event is about." };

    private static readonly Option<string> Json = new("--json", "-j") { Description = "What the event holds; \"-\" reads standard input.", HelpName = "JSON" };

    private static readonly Option<long?> Expect = new("--expect")
    {
        Description = "Only while the last event that was appended about the subject is this one; 0 for none.",
        HelpName = "SEQUENCE",
    };

    private static readonly Option<string> RequestId = new("--request-id") { Description = "A repetition under this name appends nothing and answers as the first.", HelpName = "ID" };

    private static readonly Option<string> Tenant = new("--tenant") { Description = "Whose event. [default: default]", HelpName = "NAME" };

    public static Verb Build(CliEnvironment environment) => new Verb("append", "Append an event of an application.",
        "auraed events append app.orders.placed order-1 --json '{\"total\": 12.5}'",
        "auraed events append app.orders.paid order-1 --expect 42  # only if nothing was appended about it since",
        "produce | auraed events append app.reports.made report-7 --json - --request-id report-7")
        .With(Kind, Subject, Json, Expect, RequestId, Tenant).Calls(environment, AppendAsync);

    private static async Task AppendAsync(Invocation invocation, CancellationToken cancel)
    {
        var added = new NewEvent { Kind = invocation.Value(Kind)!, Subject = invocation.Value(Subject)! };
        if (invocation.Value(Json) is { } json)
        {
            added.Json = json == "-" ? await ReadAsync(invocation, cancel) : json;
        }

        if (invocation.Value(Expect) is { } expected)
        {
            added.ExpectedSequence = expected;
        }

        var request = new AppendEventsRequest { Tenant = invocation.Value(Tenant) ?? string.Empty, RequestId = invocation.Value(RequestId) ?? string.Empty, Events = { added } };
        var client = new EventService.EventServiceClient(invocation.Daemon.Invoker);
        AppendEventsResponse answer = await invocation.Daemon.CallAsync($"append {added.Kind}", options => client.AppendAsync(request, options), cancel);
        invocation.Printer.Fields(("sequence", answer.Sequence));
    }

    private static async Task<string> ReadAsync(Invocation invocation, CancellationToken cancel)
    {
        invocation.Environment.RequireInput("json", "auraed events append KIND SUBJECT --json - <FILE");
        var text = new System.Text.StringBuilder();
        var buffer = new char[16 * 1024];
        int count;
        while ((count = await invocation.Environment.Input.ReadAsync(buffer, cancel)) > 0)
        {
            if (text.Append(buffer, 0, count).Length > Limits.EventPayloadBytesMax)
            {
                throw new Fault(FaultKind.Exhausted, $"standard input has more than {Limits.EventPayloadBytesMax} characters", hint: "an event is small; keep what is large elsewhere and name it");
            }
        }

        return text.ToString();
    }
}
