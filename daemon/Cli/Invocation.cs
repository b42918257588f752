using System.CommandLine;
using Auraed.Base;
using Auraed.Cli.Output;
using Auraed.Config;

namespace Auraed.Cli;

/// <summary>One run of one verb: its arguments, where things lie, where it prints, and the daemon when it asks for it.</summary>
internal sealed class Invocation : IDisposable
{
    private readonly ParseResult _result;
    private ClientConnection? _connection;
    private Settings? _settings;

    public Invocation(ParseResult result, CliEnvironment environment)
    {
        _result = result;
        Environment = environment;
        Layout = LayoutOf(result, environment);
        Printer = new Printer(environment.Terminal, result.GetValue(GlobalOptions.Output));
    }

    public CliEnvironment Environment { get; }

    /// <summary>Of the place that was given on the command line, or else in the environment.</summary>
    public static Layout LayoutOf(ParseResult result, CliEnvironment environment) =>
        Layout.At(result.GetValue(GlobalOptions.Root) ?? environment.Variables.GetValueOrDefault("AURAE_ROOT"));

    /// <summary>Where everything lies by default.</summary>
    public Layout Layout { get; }

    /// <summary>What a daemon that is started here and now would be told; <see cref="Fault"/> when its file or environment is wrong.</summary>
    public Settings Settings => _settings ??= SettingsLoader.Load(new Dictionary<string, string>(), Environment.Variables, null, Layout.Root);

    /// <summary>The words that make the next command speak of the same place.</summary>
    public string RootFlag => Layout.Root is null ? string.Empty : $" --root {Layout.Root}";

    /// <summary>The command that starts the daemon of this place.</summary>
    public string StartCommand => Layout.Root is null ? "systemctl start auraed" : $"auraed run{RootFlag}";

    /// <summary>Where a client looks for its configuration, first to last.</summary>
    public IReadOnlyList<string> ClientConfigs =>
        Layout.Root is null ? Aurae.Pki.ClientConfig.SearchPath(Environment.Variables.GetValueOrDefault("HOME")) : [Layout.ClientConfigPath];

    public Printer Printer { get; }

    public Terminal Terminal => Environment.Terminal;

    /// <summary>What the process ends with when the verb does not fail: a check that found something sets it.</summary>
    public int ExitCode { get; set; }

    /// <summary>The connection to the daemon, made on first use. <see cref="Fault"/> when no client configuration can be read.</summary>
    public ClientConnection Daemon => _connection ??= ClientConnection.Open(this);

    public T? Value<T>(Option<T> option) => _result.GetValue(option);

    public T? Value<T>(Argument<T> argument) => _result.GetValue(argument);

    public bool IsGiven(Option option) => _result.GetResult(option) is { Implicit: false };

    public ParseResult Result => _result;

    /// <summary>A note for the person at the terminal that is no result.</summary>
    public void Warn(string text) => Terminal.Error.WriteLine($"{Terminal.Paint(Colour.Yellow, "warning:")} {Units.Printable(text)}");

    public void Dispose() => _connection?.Dispose();
}
