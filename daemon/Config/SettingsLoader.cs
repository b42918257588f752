using System.Globalization;
using Auraed.Base;

namespace Auraed.Config;

/// <summary>
/// Brings the settings together: a flag wins over the service manager's credential, that over the file, that over the environment, that over the default.
/// A name that nobody knows is an error, and the error names the nearest known one.
/// </summary>
public static class SettingsLoader
{
    /// <param name="flags">Values given on the command line, by <see cref="Setting.Key"/>; a boolean flag without a value is "true".</param>
    /// <param name="environment">All variables of the process; those that begin with AURAE_ are read.</param>
    /// <param name="configPath">The file that must be there; null takes AURAE_CONFIG, or else the layout's own if that exists.</param>
    /// <param name="root">The directory that holds everything; null takes AURAE_ROOT, or else the system's layout.</param>
    public static Settings Load(
        IReadOnlyDictionary<string, string> flags, IReadOnlyDictionary<string, string> environment, string? configPath, string? root)
    {
        var layout = Layout.At(root ?? environment.GetValueOrDefault("AURAE_ROOT"));
        var given = configPath ?? environment.GetValueOrDefault("AURAE_CONFIG");
        var path = Path.GetFullPath(string.IsNullOrEmpty(given) ? layout.DaemonConfigPath : given);
        var isRead = !string.IsNullOrEmpty(given) || File.Exists(path);

        var values = new Dictionary<string, (SettingValue Value, SettingOrigin Origin)>();
        FromEnvironment(environment, values);
        if (isRead)
        {
            FromFile(path, values);
        }

        FromCredentials(environment, values);
        FromFlags(flags, values);
        var settings = Assemble(layout, values);
        return settings with
        {
            ConfigPath = isRead ? path : null,
            Origins = values.ToDictionary(pair => pair.Key, pair => pair.Value.Origin),
            Source = new SettingsSource(flags, environment, configPath, root),
        };
    }

    /// <summary>The variables of this process, as Load takes them.</summary>
    public static Dictionary<string, string> ProcessEnvironment()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return variables;
    }

    private static Settings Assemble(Layout layout, Dictionary<string, (SettingValue Value, SettingOrigin Origin)> values)
    {
        var settings = new Settings
        {
            Layout = layout,
            ServerCertificatePath = layout.ServerCertificatePath,
            ServerKeyPath = layout.ServerKeyPath,
            AuthorityPath = layout.AuthorityPath,
            RuntimeDirectory = layout.RuntimeDirectory,
            LibraryDirectory = layout.LibraryDirectory,
            Socket = ListenAddress.OfPath("/"),
        };
        foreach (var setting in SettingsCatalog.All)
        {
            if (values.TryGetValue(setting.Key, out var found))
            {
                settings = setting.Apply(settings, found.Value);
            }
            else if (setting.Kind is not (SettingKind.Path or SettingKind.Address or SettingKind.Endpoint))
            {
                settings = setting.Apply(settings, SettingParser.Parse(setting, setting.Default, "default", "/"));
            }
        }

        if (!values.ContainsKey("socket"))
        {
            settings = settings with { Socket = ListenAddress.OfPath(Path.Combine(settings.RuntimeDirectory, "aurae.sock")) };
        }

        if (settings.KeepaliveInterval > TimeSpan.Zero && settings.KeepaliveInterval < TimeSpan.FromSeconds(1))
        {
            throw Fault.Invalid("keepalive.interval", "keepalive.interval is 0 or at least 1s");
        }

        if (settings.ArchivesToAssets && settings.ArchiveDirectory.Length > 0)
        {
            throw Fault.Invalid("events.archive_assets", "events.archive_assets is true, and events.archive_dir names another place");
        }

        return settings;
    }

    private static void FromEnvironment(
        IReadOnlyDictionary<string, string> environment, Dictionary<string, (SettingValue Value, SettingOrigin Origin)> values)
    {
        var byVariable = SettingsCatalog.All.ToDictionary(setting => setting.Environment);
        foreach (var (name, text) in environment.Where(pair => pair.Key.StartsWith("AURAE_", StringComparison.Ordinal)).OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (byVariable.TryGetValue(name, out var setting))
            {
                values[setting.Key] = (SettingParser.Parse(setting, text, $"environment variable {name}", Environment.CurrentDirectory), SettingOrigin.Environment);
            }
            else if (!SettingsCatalog.OtherVariables.Contains(name))
            {
                throw Unknown("environment variable", name, $"environment variable {name}", byVariable.Keys.Concat(SettingsCatalog.OtherVariables));
            }
        }
    }

    private static void FromFile(string path, Dictionary<string, (SettingValue Value, SettingOrigin Origin)> values)
    {
        var directory = Path.GetDirectoryName(path)!;
        foreach (var (key, leaf) in Toml.ParseFile(path).Leaves())
        {
            var where = string.Create(CultureInfo.InvariantCulture, $"{path}:{leaf.Position.Line}:{leaf.Position.Column}");
            if (!SettingsCatalog.ByKey.TryGetValue(key, out var setting))
            {
                throw Unknown("setting", key, where, SettingsCatalog.ByKey.Keys);
            }

            if (leaf.Scalar is not { } text || !SettingParser.Takes(setting, leaf.Kind))
            {
                throw Fault.Invalid(key, $"{where}: {key} is {SettingParser.Expected(setting)}, not {SettingParser.Named(leaf.Kind)}");
            }

            values[key] = (SettingParser.Parse(setting, text, where, directory), SettingOrigin.File);
        }
    }

    private static void FromCredentials(
        IReadOnlyDictionary<string, string> environment, Dictionary<string, (SettingValue Value, SettingOrigin Origin)> values)
    {
        if (environment.TryGetValue("CREDENTIALS_DIRECTORY", out var directory) && directory.Length > 0)
        {
            var path = Path.Combine(directory, "server.key");
            if (File.Exists(path))
            {
                values["server_key"] = (new SettingValue(path), SettingOrigin.Credential);
            }
        }
    }

    private static void FromFlags(IReadOnlyDictionary<string, string> flags, Dictionary<string, (SettingValue Value, SettingOrigin Origin)> values)
    {
        foreach (var (key, text) in flags)
        {
            if (!SettingsCatalog.ByKey.TryGetValue(key, out var setting))
            {
                throw Unknown("setting", key, "command line", SettingsCatalog.ByKey.Keys);
            }

            values[key] = (SettingParser.Parse(setting, text, setting.Flags[0], Environment.CurrentDirectory), SettingOrigin.Flag);
        }
    }

    private static Fault Unknown(string what, string name, string where, IEnumerable<string> known)
    {
        var nearest = NearestName.Of(name, known);
        return new Fault(
            FaultKind.Invalid, $"{where}: unknown {what} {name}" + (nearest is null ? "" : $"; did you mean {nearest}?"), name, "auraed config show lists every setting");
    }
}
