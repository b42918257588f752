using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Auraed.Base;

namespace Auraed.Store;

/// <summary>One step of the schema, as a numbered pair of SQL files.</summary>
/// <param name="Number">From 1, without gaps.</param>
/// <param name="Name">What it does.</param>
/// <param name="Version">The data version after it; its major part says who may read the file.</param>
/// <param name="Up">SQL that takes the step.</param>
/// <param name="Down">SQL that takes it back; null when data would be lost.</param>
public sealed partial record Migration(int Number, string Name, Version Version, string Up, string? Down)
{
    /// <summary>SHA-256 of the step's SQL in hexadecimal digits; an applied step whose file has changed since is refused.</summary>
    public string Checksum => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Up)));

    /// <summary>The steps in this binary, by number.</summary>
    public static IReadOnlyList<Migration> Embedded { get; } = ReadEmbedded();

    /// <summary>The data version stands in the file: a line <c>-- version: 1.2.0</c>.</summary>
    public static Migration Parse(int number, string name, string up, string? down)
    {
        var match = VersionLine().Match(up);
        var version = match.Success ? Version.Parse(match.Groups[1].ValueSpan) : new Version(1, number - 1, 0);
        return new Migration(number, name, version, up, down);
    }

    private static List<Migration> ReadEmbedded()
    {
        var assembly = typeof(Migration).Assembly;
        var steps = new List<Migration>();
        foreach (var resource in assembly.GetManifestResourceNames())
        {
            var match = ResourceName().Match(resource);
            if (match.Success)
            {
                var down = resource[..^"up.sql".Length] + "down.sql";
                steps.Add(Parse(int.Parse(match.Groups[1].ValueSpan, null), match.Groups[2].Value, Read(assembly, resource)!, Read(assembly, down)));
            }
        }

        steps.Sort((left, right) => left.Number.CompareTo(right.Number));
        for (var index = 0; index < steps.Count; index++)
        {
            Invariant.Hold(steps[index].Number == index + 1);
        }

        return steps;
    }

    private static string? Read(Assembly assembly, string resource)
    {
        using var stream = assembly.GetManifestResourceStream(resource);
        if (stream is null)
        {
            return null;
        }

        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"(\d{4})_([a-z0-9_]+)\.up\.sql$", RegexOptions.CultureInvariant)]
    private static partial Regex ResourceName();

    [GeneratedRegex(@"^--\s*version:\s*(\d+\.\d+\.\d+)\s*$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex VersionLine();
}
