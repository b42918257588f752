using System.CommandLine;
using Auraed.Base;
using Auraed.Config;

namespace Auraed.Cli;

/// <summary>The daemon's options, one for each setting of the catalog, so that flag, file and documentation cannot drift apart.</summary>
internal sealed class DaemonOptions
{
    private readonly Option<string?> _config = new("--config")
    {
        Description = "The daemon's configuration file; it must exist. AURAE_CONFIG says the same. [default: /etc/aurae/auraed.toml, or DIR/auraed.toml of --root]",
        HelpName = "FILE",
    };

    private readonly (Setting Setting, Option<string?> Option)[] _settings;

    public DaemonOptions()
    {
        _settings = [.. SettingsCatalog.All.Select(setting => (setting, OptionOf(setting)))];
        All = [_config, .. _settings.Select(pair => pair.Option)];
    }

    public IReadOnlyList<Option> All { get; }

    /// <summary>Flags, file, environment and defaults brought together. <see cref="Fault"/> names what is wrong and where.</summary>
    public Settings Load(ParseResult result, CliEnvironment environment)
    {
        var flags = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (setting, option) in _settings)
        {
            if (result.GetResult(option) is { Implicit: false } given)
            {
                flags[setting.Key] = given.Tokens.Count == 0 ? "true" : given.Tokens[^1].Value;
            }
        }

        return SettingsLoader.Load(flags, environment.Variables, result.GetValue(_config), result.GetValue(GlobalOptions.Root));
    }

    private static Option<string?> OptionOf(Setting setting)
    {
        var isFlag = setting.Kind == SettingKind.Boolean;
        return new Option<string?>(setting.Flags[0], [.. setting.Flags.Skip(1)])
        {
            Description = setting.Description + (setting.Default.Length > 0 && !isFlag ? $" [default: {setting.Default}]" : string.Empty),
            HelpName = isFlag ? null : NameOf(setting),
            Arity = isFlag ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
        }.Offering(isFlag ? ["true", "false"] : [.. setting.Choices]);
    }

    private static string NameOf(Setting setting) => setting.Kind switch
    {
        SettingKind.Path => "PATH",
        SettingKind.Address => "ADDRESS",
        SettingKind.Endpoint => "ADDRESS:PORT",
        SettingKind.Choice => string.Join('|', setting.Choices),
        SettingKind.Boolean => "BOOLEAN",
        SettingKind.Integer => "COUNT",
        SettingKind.Bytes => "BYTES",
        SettingKind.Duration => "DURATION",
    };
}
