using System.Globalization;
using System.Net;
using Auraed.Base;

namespace Auraed.Config;

/// <summary>Turns a setting's text into its value, or says what is wrong with it and where it stands.</summary>
internal static class SettingParser
{
    private static readonly (string Suffix, long Milliseconds)[] DurationUnits = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

    private static readonly (string Suffix, long Bytes)[] ByteUnits = [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30)];

    /// <param name="setting">Whose value it is.</param>
    /// <param name="text">The value.</param>
    /// <param name="where">The file position, flag or variable, for the error.</param>
    /// <param name="baseDirectory">What a relative path is relative to.</param>
    public static SettingValue Parse(Setting setting, string text, string where, string baseDirectory)
    {
        var value = setting.Kind switch
        {
            SettingKind.Path => Path(setting, text, baseDirectory),
            SettingKind.Address => text is "" ? null : new SettingValue(text, Address: ListenAddress.Parse(text, baseDirectory)),
            SettingKind.Endpoint => Endpoint(text),
            SettingKind.Choice => Choice(setting, text),
            SettingKind.Boolean => text switch { "true" or "1" => new SettingValue(text, 1), "false" or "0" => new SettingValue(text), _ => null },
            SettingKind.Integer => Number(text, []) is { } number ? new SettingValue(text, number) : null,
            SettingKind.Bytes => Number(text, ByteUnits) is { } bytes ? new SettingValue(text, bytes) : null,
            SettingKind.Duration => Duration(text) is { } time ? new SettingValue(text, (long)time.TotalMilliseconds, time) : null,
        };
        if (value is not { } parsed)
        {
            throw Fault.Invalid(setting.Key, $"{where}: {setting.Key} is {Expected(setting)}, not '{text}'");
        }

        if (setting.Kind is SettingKind.Integer or SettingKind.Bytes or SettingKind.Duration && (parsed.Number < setting.Min || parsed.Number > setting.Max))
        {
            throw Fault.Invalid(setting.Key, $"{where}: {setting.Key} is between {Bound(setting, setting.Min)} and {Bound(setting, setting.Max)}, not '{text}'");
        }

        return parsed;
    }

    /// <summary>Whether a TOML value of this kind may stand for the setting; text may stand for a time or a size with its unit.</summary>
    public static bool Takes(Setting setting, TomlKind kind) => setting.Kind switch
    {
        SettingKind.Path or SettingKind.Address or SettingKind.Endpoint or SettingKind.Choice => kind == TomlKind.Text,
        SettingKind.Boolean => kind == TomlKind.Boolean,
        SettingKind.Integer => kind == TomlKind.Integer,
        SettingKind.Bytes => kind is TomlKind.Integer or TomlKind.Text,
        SettingKind.Duration => kind is TomlKind.Integer or TomlKind.Text,
    };

    public static string Expected(Setting setting) => setting.Kind switch
    {
        SettingKind.Path => "a path",
        SettingKind.Address => "a path or ADDRESS:PORT",
        SettingKind.Endpoint => "ADDRESS:PORT, as 127.0.0.1:8080 or [::1]:8080",
        SettingKind.Choice => "one of " + string.Join(", ", setting.Choices),
        SettingKind.Boolean => "true or false",
        SettingKind.Integer => "a whole number",
        SettingKind.Bytes => "a number of bytes, as 4096 or \"4MiB\"",
        SettingKind.Duration => "a time with its unit, as \"500ms\", \"25s\", \"5m\" or \"1h\"",
    };

    public static string Named(TomlKind kind) => kind switch
    {
        TomlKind.Text => "a string",
        TomlKind.Integer => "an integer",
        TomlKind.Real => "a float",
        TomlKind.Boolean => "a boolean",
        TomlKind.Array => "an array",
        TomlKind.Table => "a table",
    };

    private static SettingValue? Path(Setting setting, string text, string baseDirectory)
    {
        if (text is "")
        {
            return setting.Default is "" ? new SettingValue("") : null;
        }

        return text.Contains('\0') ? null : new SettingValue(System.IO.Path.GetFullPath(text, baseDirectory));
    }

    private static SettingValue? Endpoint(string text)
    {
        if (text is "")
        {
            return new SettingValue("");
        }

        return ListenAddress.TryParseTcp(text, out IPEndPoint tcp) ? new SettingValue(text, Address: ListenAddress.OfTcp(tcp)) : null;
    }

    private static SettingValue? Choice(Setting setting, string text)
    {
        for (var index = 0; index < setting.Choices.Count; index++)
        {
            if (setting.Choices[index] == text)
            {
                return new SettingValue(text, index);
            }
        }

        return null;
    }

    private static long? Number(string text, (string Suffix, long Factor)[] units)
    {
        var factor = 1L;
        foreach (var (suffix, unit) in units)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal))
            {
                (text, factor) = (text[..^suffix.Length].TrimEnd(), unit);
                break;
            }
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= long.MaxValue / factor ? number * factor : null;
    }

    private static TimeSpan? Duration(string text)
    {
        if (text is "0")
        {
            return TimeSpan.Zero;
        }

        return text.Length > 1 && char.IsAsciiLetter(text[^1]) && Number(text, DurationUnits) is { } milliseconds && milliseconds < TimeSpan.MaxValue.TotalMilliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : null;
    }

    private static string Bound(Setting setting, long bound) =>
        setting.Kind == SettingKind.Duration ? SettingsCatalog.Shown(TimeSpan.FromMilliseconds(bound)) : bound.ToString(CultureInfo.InvariantCulture);
}
