namespace Auraed.Config;

/// <summary>What a setting's text is parsed as.</summary>
public enum SettingKind
{
    /// <summary>A path; relative ones count from the file's directory in a file, from the working directory elsewhere.</summary>
    Path,
    /// <summary>A TCP endpoint or the path of a Unix socket.</summary>
    Address,
    /// <summary>A TCP endpoint.</summary>
    Endpoint,
    /// <summary>One of a list of words.</summary>
    Choice,
    Boolean,
    Integer,
    /// <summary>A number of bytes, plain or with KiB, MiB, GiB.</summary>
    Bytes,
    /// <summary>A number with ms, s, m or h.</summary>
    Duration,
}

/// <summary>Where the effective value came from; a later one in this list wins over an earlier one.</summary>
public enum SettingOrigin
{
    Default,
    Environment,
    File,
    /// <summary>The service manager handed the file over (<c>LoadCredential=</c>).</summary>
    Credential,
    Flag,
}

/// <summary>One setting: all its names, what it means, and how it gets into <see cref="Settings"/>.</summary>
public sealed record Setting
{
    /// <summary>Dotted path in the configuration file, as <c>limits.calls</c>.</summary>
    public required string Key { get; init; }

    /// <summary>Long name first, with its dashes.</summary>
    public required IReadOnlyList<string> Flags { get; init; }

    public required SettingKind Kind { get; init; }

    /// <summary>What one is, as <c>bytes</c> or <c>connections</c>; empty where the kind says it all.</summary>
    public string Unit { get; init; } = "";

    /// <summary>The default as a user would write it; &lt;runtime_dir&gt; and its like stand for other settings.</summary>
    public required string Default { get; init; }

    /// <summary>What 0 or an empty value means.</summary>
    public required string Zero { get; init; }

    public required string Description { get; init; }

    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Smallest and largest value of an Integer or Bytes, and of a Duration in milliseconds.</summary>
    public long Min { get; init; }

    public long Max { get; init; } = long.MaxValue;

    /// <summary>True when a reload (SIGHUP) puts a new value to work; false when it takes a restart.</summary>
    public bool IsReloadable { get; init; }

    /// <summary>The environment variable: AURAE_ and the key in upper case, dots as underscores.</summary>
    public string Environment => "AURAE_" + Key.Replace('.', '_').ToUpperInvariant();

    /// <summary>The effective value as text.</summary>
    public required Func<Settings, string> Show { get; init; }

    /// <summary>The settings with this one's value replaced.</summary>
    internal Func<Settings, SettingValue, Settings> Apply { get; init; } = (settings, _) => settings;
}

/// <summary>A value that its setting's kind has parsed. The fields that the kind does not use are empty.</summary>
internal readonly record struct SettingValue(string Text, long Number = 0, TimeSpan Time = default, ListenAddress? Address = null);
