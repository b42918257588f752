using System.CommandLine;
using System.Globalization;
using System.Text;
using Auraed.Base;
using Auraed.Cli.Output;
using Auraed.Config;
using Aurae.Pki;

namespace Auraed.Cli.Verbs;

/// <summary>`auraed config`: what the daemon is told, by whom, and what it means.</summary>
internal static class ConfigVerbs
{
    private static readonly Argument<string?> Key = new Argument<string?>("SETTING")
    {
        Description = "A setting by its key in the file, its flag or its environment variable; without one, all are explained.",
        Arity = ArgumentArity.ZeroOrOne,
    }.Offering([.. SettingsCatalog.ByKey.Keys]);

    public static Command Build(CliEnvironment environment)
    {
        var options = new DaemonOptions();
        var show = new Verb("show", "Show each setting's value and where it came from: flag, credential, file, environment or default. Takes the daemon's options, to try them out.",
            "auraed config show", "auraed config show --root ./.local --output json", "auraed config show --limit-calls 100");
        show.With([.. options.All]);
        show.Does(environment, (invocation, _) => ShowAsync(invocation, options));
        return new Verb("config", "Show and explain the daemon's settings.").With(
            show,
            new Verb("explain", "Explain a setting: meaning, names, default, bounds, and what 0 means.",
                "auraed config explain limits.calls", "auraed config explain --output json  # all of them").With(Key).Does(environment, ExplainAsync));
    }

    /// <summary>Whether the daemon's file and environment can be read as they are.</summary>
    public static Finding Check(Invocation invocation)
    {
        try
        {
            var path = invocation.Settings.ConfigPath;
            if (path is not null)
            {
                return Finding.Good(path, "is a daemon configuration that can be used");
            }

            var place = invocation.Layout.DaemonConfigPath;
            return PkiCheck.IsHidden(place)
                ? Finding.Error(place, "cannot be looked at: permission denied", "run it as root, or as the owner")
                : Finding.Good(place, "is not there: the defaults apply");
        }
        catch (Fault fault)
        {
            return Finding.Error(invocation.Layout.DaemonConfigPath, fault.Message, fault.Hint ?? "auraed config explain");
        }
    }

    /// <summary>Writes the daemon's file with every setting in a comment, unless it exists.</summary>
    public static PkiStep WriteDefault(Invocation invocation)
    {
        var path = invocation.Layout.DaemonConfigPath;
        var isMissing = !File.Exists(path);
        if (isMissing)
        {
            PkiFile.Create(path, DefaultFile(), HostPki.Platform);
        }

        return new PkiStep(path, isMissing);
    }

    /// <summary>A file that changes nothing: each setting with its meaning and its default, in comments. Tables come last, as TOML wants.</summary>
    public static string DefaultFile()
    {
        var text = new StringBuilder("""
            # The daemon's settings. A flag wins over this file, this file over the environment.
            # Each line shows the default; take the # away to change it. `auraed config show` tells what applies.

            """);
        string? table = null;
        foreach (var setting in SettingsCatalog.All.OrderBy(setting => setting.Key.Contains('.') ? setting.Key.Split('.')[0] : string.Empty, StringComparer.Ordinal))
        {
            var parts = setting.Key.Split('.', 2);
            if (parts.Length == 2 && parts[0] != table)
            {
                table = parts[0];
                text.Append(CultureInfo.InvariantCulture, $"\n[{table}]\n");
            }

            var zero = setting.Zero is "not allowed" or "false" ? string.Empty : setting.Zero.StartsWith("empty", StringComparison.Ordinal) ? $" {Capital(setting.Zero)}." : $" 0: {setting.Zero}.";
            text.Append(CultureInfo.InvariantCulture, $"\n# {setting.Description}{zero}\n#{parts[^1]} = {Literal(setting)}\n");
        }

        return text.ToString();
    }

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static string Literal(Setting setting) =>
        setting.Kind is SettingKind.Boolean or SettingKind.Integer or SettingKind.Bytes ? setting.Default : $"\"{setting.Default}\"";

    private static Task ShowAsync(Invocation invocation, DaemonOptions options)
    {
        var settings = options.Load(invocation.Result, invocation.Environment);
        invocation.Printer.Say(settings.ConfigPath is null ? $"# there is no file {invocation.Layout.DaemonConfigPath}" : $"# file: {settings.ConfigPath}");
        invocation.Printer.Rows(SettingsCatalog.All,
            new Column<Setting>("setting", setting => setting.Key),
            new Column<Setting>("value", setting => setting.Show(settings)),
            new Column<Setting>("origin", setting => settings.OriginOf(setting.Key).ToString().ToLowerInvariant()));
        return Task.CompletedTask;
    }

    private static Task ExplainAsync(Invocation invocation, CancellationToken cancel)
    {
        var chosen = invocation.Value(Key) is { } name ? [Find(name)] : SettingsCatalog.All;
        foreach (var setting in chosen)
        {
            invocation.Printer.Fields(
                ("setting", setting.Key),
                ("meaning", setting.Description),
                ("flags", string.Join(", ", setting.Flags)),
                ("environment", setting.Environment),
                ("kind", setting.Kind.ToString().ToLowerInvariant()),
                ("choices", setting.Choices.Count == 0 ? (Cell)null : string.Join(", ", setting.Choices)),
                ("unit", setting.Unit.Length == 0 ? (Cell)null : setting.Unit),
                ("default", setting.Default),
                ("zero_means", setting.Zero),
                ("takes_effect", setting.IsReloadable ? "on reload (SIGHUP)" : "on restart"));
            invocation.Printer.Say(string.Empty);
        }

        return Task.CompletedTask;
    }

    private static Setting Find(string name)
    {
        var found = SettingsCatalog.All.FirstOrDefault(setting => setting.Key == name || setting.Environment == name || setting.Flags.Contains(name));
        if (found is not null)
        {
            return found;
        }

        var near = NearestName.Of(name, SettingsCatalog.ByKey.Keys);
        throw new Fault(FaultKind.NotFound, $"there is no setting '{name}'" + (near is null ? string.Empty : $"; did you mean {near}?"), hint: "auraed config show lists every setting");
    }
}
