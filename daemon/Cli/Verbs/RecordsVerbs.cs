using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Cli.Output;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Cli.Verbs;

/// <summary>Typed records from the command line (aurae.records.v0).</summary>
internal static class RecordsVerbs
{
    private static readonly Argument<string> Type = new Argument<string>("TYPE") { Description = "The record type: virtual_machine, or vm; network_interface, or nic; document, ..." }
        .Offering([.. Tables.All.Select(table => table.Name)]);

    private static readonly Argument<string> Name = new("NAME") { Description = "The record's name." };

    private static readonly Option<string> File = new("--file", "-f")
    {
        Description = "JSON: one object with \"@type\", or an array of them. \"-\" reads standard input.",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Option<string> Tenant = Text("--tenant", "NAME", "Whose records. [default: default]");

    private static readonly Option<string> Filter = Text("--filter", "EXPRESSION", "Only records that match, in AIP-160: 'mem_size_mb >= 512 AND labels.tier = web'.");

    private static readonly Option<string> OrderBy = Text("--order-by", "FIELDS", "As 'vcpu_count desc, name'.");

    private static readonly Option<string[]> Include = new("--include") { Description = "Related records of this type come along.", HelpName = "TYPE" };

    private static readonly Option<int> Limit = new("--limit") { Description = "Records at most; 0 for all. [default: 100]", HelpName = "COUNT", DefaultValueFactory = _ => 100, CustomParser = ParseCount };

    private static readonly Option<long> Revision = new("--revision") { Description = "Only while the record is at this revision; 0 does not ask.", HelpName = "NUMBER" };

    private static readonly Option<long?> After = new("--after") { Description = "Go on after this sequence or revision; 0 tells the whole history. Without it, from now.", HelpName = "NUMBER" };

    private static readonly Option<bool> InitialState = new("--initial-state") { Description = "First every record as it is now." };

    public static Command Build(CliEnvironment environment) => new Verb("records", "Typed records: machines, interfaces, cells, nodes, procedures, documents.").With(
        new Verb("apply", "Make records what the file says, all of them in one commit.",
            "auraed records apply -f machine.json", "echo '{\"@type\": \"document\", \"id\": \"a\", \"body\": {\"n\": 1}}' | auraed records apply -f -")
            .With(File, Tenant).Calls(environment, ApplyAsync),
        new Verb("get", "Print one record.", "auraed records get vm vm-1", "auraed records get vm vm-1 --include nic")
            .With(Type, Name, Tenant, Include).Calls(environment, GetAsync),
        new Verb("ls", "List records.", "auraed records ls vm --filter 'mem_size_mb >= 512' --order-by 'mem_size_mb desc'", "auraed records ls nic --limit 0 --output json")
            .With(Type, Tenant, Filter, OrderBy, Include, Limit).Calls(environment, ListAsync),
        new Verb("rm", "Delete a record, and those that go with it.", "auraed records rm vm vm-1")
            .With(Type, Name, Tenant, Revision).Calls(environment, RemoveAsync),
        new Verb("watch", "Print each change as it comes, until interrupted.", "auraed records watch vm", "auraed records watch vm --after 0 --output json")
            .With(Type, Tenant, After, InitialState).Calls(environment, WatchAsync));

    private static async Task ApplyAsync(Invocation invocation, CancellationToken cancel)
    {
        var request = new CommitRequest { Tenant = invocation.Value(Tenant) ?? string.Empty };
        request.Operations.AddRange(RecordJson.Operations(await ReadAsync(invocation, invocation.Value(File)!, "auraed records apply -f - <FILE", cancel)));
        CommitResponse answer = await invocation.Daemon.CallAsync("apply the records", options => Client(invocation).CommitAsync(request, options), cancel);
        Print(invocation, [.. answer.Results.Select(result => result.Record)]);
    }

    private static async Task GetAsync(Invocation invocation, CancellationToken cancel)
    {
        RecordTable table = RecordJson.Table(invocation.Value(Type)!);
        var request = new GetRecordRequest { Tenant = invocation.Value(Tenant) ?? string.Empty, Type = table.TypeName, Name = invocation.Value(Name)! };
        request.Include.AddRange(Included(invocation));
        Record record = await invocation.Daemon.CallAsync($"get {table.Name} '{request.Name}'", options => Client(invocation).GetAsync(request, options), cancel);
        invocation.Terminal.Out.WriteLine(RecordJson.Write(record, isIndented: !invocation.Printer.IsJson));
    }

    private static async Task ListAsync(Invocation invocation, CancellationToken cancel)
    {
        RecordTable table = RecordJson.Table(invocation.Value(Type)!);
        int limit = invocation.Value(Limit);
        var request = new ListRecordsRequest
        {
            Tenant = invocation.Value(Tenant) ?? string.Empty,
            Type = table.TypeName,
            Filter = invocation.Value(Filter) ?? string.Empty,
            OrderBy = invocation.Value(OrderBy) ?? string.Empty,
        };
        request.Include.AddRange(Included(invocation));
        var records = new List<Record>();
        int count = 0;
        do
        {
            request.PageSize = limit > 0 ? Math.Min(limit - count, Limits.PageRecordsCountMax) : Limits.PageRecordsCountMax;
            ListRecordsResponse page = await invocation.Daemon.CallAsync($"list {table.Name}", options => Client(invocation).ListAsync(request, options), cancel);
            count += page.Records.Count;
            request.PageToken = page.NextPageToken;
            if (invocation.Printer.IsJson)
            {
                Print(invocation, page.Records);
            }
            else
            {
                records.AddRange(page.Records);
            }
        }
        while (request.PageToken.Length > 0 && (limit == 0 || count < limit));
        if (!invocation.Printer.IsJson)
        {
            Print(invocation, records);
        }

        if (request.PageToken.Length > 0)
        {
            invocation.Warn($"there are more than {count}; --limit 0 prints all");
        }
    }

    private static async Task RemoveAsync(Invocation invocation, CancellationToken cancel)
    {
        RecordTable table = RecordJson.Table(invocation.Value(Type)!);
        var request = new DeleteRecordRequest
        {
            Tenant = invocation.Value(Tenant) ?? string.Empty,
            Type = table.TypeName,
            Name = invocation.Value(Name)!,
            Revision = invocation.Value(Revision),
        };
        DeleteRecordResponse answer = await invocation.Daemon.CallAsync($"delete {table.Name} '{request.Name}'", options => Client(invocation).DeleteAsync(request, options), cancel);
        invocation.Printer.Fields(("deleted", answer.Deleted), ("revision", answer.Revision));
    }

    private static Task WatchAsync(Invocation invocation, CancellationToken cancel)
    {
        RecordTable table = RecordJson.Table(invocation.Value(Type)!);
        var request = new WatchRecordsRequest { Tenant = invocation.Value(Tenant) ?? string.Empty, Types_ = { table.TypeName }, InitialState = invocation.Value(InitialState) };
        if (invocation.Value(After) is { } after)
        {
            request.After = after;
        }

        return invocation.Daemon.StreamAsync($"watch {table.Name}", options => Client(invocation).Watch(request, options), Tell, cancel);

        void Tell(WatchRecordsResponse message)
        {
            if (message.Change is not { } change)
            {
                return;
            }

            invocation.Terminal.Out.WriteLine(invocation.Printer.IsJson
                ? RecordJson.Write(change, isIndented: false)
                : string.Create(CultureInfo.InvariantCulture, $"{change.Sequence}  {change.Kind.ToString().ToLowerInvariant(),-8}  {Units.Printable(change.Record.Name)}  revision {change.Record.Revision}"));
            invocation.Terminal.Out.Flush();
        }
    }

    private static void Print(Invocation invocation, IReadOnlyCollection<Record> records)
    {
        if (!invocation.Printer.IsJson)
        {
            invocation.Printer.Rows(
                records,
                new Column<Record>("type", record => record.Type[(record.Type.LastIndexOf('.') + 1)..]),
                new Column<Record>("name", record => record.Name),
                new Column<Record>("revision", record => record.Revision),
                new Column<Record>("updated", record => record.UpdateTime is { } time ? Cell.Time(time.ToDateTimeOffset()) : default),
                new Column<Record>("labels", record => string.Join(' ', record.Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"))),
                new Column<Record>("with", record => string.Join(' ', record.Included.Select(related => related.Name))));
            return;
        }

        foreach (Record record in records)
        {
            invocation.Terminal.Out.WriteLine(RecordJson.Write(record, isIndented: false));
        }
    }

    private static IEnumerable<string> Included(Invocation invocation) => (invocation.Value(Include) ?? []).Select(type => RecordJson.Table(type).TypeName);

    private static RecordService.RecordServiceClient Client(Invocation invocation) => new(invocation.Daemon.Invoker);

    /// <summary>The whole text, no larger than what one commit may carry as JSON.</summary>
    /// <param name="path">"-" for standard input.</param>
    /// <param name="example">The verb that reads it, with something to read.</param>
    internal static async Task<string> ReadAsync(Invocation invocation, string path, string example, CancellationToken cancel)
    {
        if (path == "-")
        {
            invocation.Environment.RequireInput("file", example);
        }

        try
        {
            await using Stream stream = path == "-" ? Console.OpenStandardInput() : System.IO.File.OpenRead(path);
            using var reader = new StreamReader(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));
            var text = new StringBuilder();
            var buffer = new char[16 * 1024];
            int count;
            while ((count = await reader.ReadAsync(buffer, cancel)) > 0)
            {
                if (text.Append(buffer, 0, count).Length > Limits.ApplyCharactersMax)
                {
                    throw new Fault(FaultKind.Exhausted, $"{path} has more than {Limits.ApplyCharactersMax} characters", hint: "apply it in parts");
                }
            }

            return text.ToString();
        }
        catch (DecoderFallbackException failure)
        {
            throw new Fault(FaultKind.Invalid, $"{path} is not UTF-8", cause: failure);
        }
        catch (IOException failure)
        {
            throw new Fault(FaultKind.NotFound, $"cannot read {path}: {failure.Message}", cause: failure);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw new Fault(FaultKind.Denied, $"cannot read {path}: {failure.Message}", cause: failure);
        }
    }

    private static int ParseCount(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count))
        {
            return count;
        }

        result.AddError($"--limit is a number of records, or 0 for all, not '{text}'");
        return default;
    }

    private static Option<string> Text(string name, string help, string description) => new(name) { Description = description, HelpName = help };
}
