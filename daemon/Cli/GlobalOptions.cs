using System.CommandLine;
using System.CommandLine.Parsing;
using Auraed.Cli.Output;

namespace Auraed.Cli;

/// <summary>The options that many verbs share. Each is one object, so that reading it does not depend on the verb.</summary>
internal static class GlobalOptions
{
    public static readonly TimeSpan TimeoutDefault = TimeSpan.FromSeconds(10);

    public static readonly Option<string?> Root = new("--root")
    {
        Description = "Keep everything (pki, lib, run, configuration) under this directory instead of the system's paths. Before or after the verb; AURAE_ROOT says the same.",
        HelpName = "DIR",
        Recursive = true,
    };

    public static readonly Option<OutputFormat> Output = new Option<OutputFormat>("--output", "-o")
    {
        Description = "How results are printed: table for people, json for programs, csv for spreadsheets.",
        HelpName = "table|json|csv",
        Recursive = true,
        CustomParser = ParseFormat,
    }.Offering("table", "json", "csv");

    public static readonly Option<string?> Socket = new("--socket")
    {
        Description = "The daemon to call: a Unix socket's path or ADDRESS:PORT. Overrides the client configuration.",
        HelpName = "ADDRESS",
    };

    public static readonly Option<string?> ClientConfig = new("--client-config")
    {
        Description = "The client configuration to use: certificate, key, authority and socket.",
        HelpName = "FILE",
    };

    public static readonly Option<TimeSpan> Timeout = new("--timeout")
    {
        Description = "How long the daemon may take to answer, as 500ms, 10s or 2m; 0 waits for ever. [default: 10s]",
        HelpName = "DURATION",
        CustomParser = ParseSpan,
        DefaultValueFactory = _ => TimeoutDefault,
    };

    public static IReadOnlyList<Option> ForClients => [Socket, ClientConfig, Timeout];

    private static OutputFormat ParseFormat(ArgumentResult result)
    {
        switch (result.Tokens.Single().Value)
        {
            case "table":
                return OutputFormat.Table;
            case "json":
                return OutputFormat.Json;
            case "csv":
                return OutputFormat.Csv;
            case var other:
                result.AddError($"--output is table, json or csv, not '{other}'");
                return default;
        }
    }

    private static TimeSpan ParseSpan(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        if (Units.ParseSpan(text) is { } span)
        {
            return span;
        }

        result.AddError($"'{text}' is not a duration; write 500ms, 10s or 2m");
        return default;
    }
}
