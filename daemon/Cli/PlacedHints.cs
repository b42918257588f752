using System.CommandLine;
using System.Text.RegularExpressions;

namespace Auraed.Cli;

/// <summary>
/// Makes the commands that a hint names speak of the place that the failed one was told: whoever follows a hint of `--root DIR` must not come to the system's
/// directories. Hints that name a place themselves stay.
/// </summary>
/// <param name="root">Whose verbs they are.</param>
/// <param name="directory">The absolute path; null for the system's place.</param>
internal sealed class PlacedHints(RootCommand root, string? directory)
{
    public string Place(string hint)
    {
        if (directory is null || hint.Contains("--root", StringComparison.Ordinal) || hint.Contains("--dir ", StringComparison.Ordinal))
        {
            return hint;
        }

        var verbs = string.Join('|', root.Subcommands.Select(verb => Regex.Escape(verb.Name)));
        return Regex.Replace(hint, $@"\bauraed (?=(?:{verbs})\b(?! --help))", _ => $"auraed --root {directory} ", RegexOptions.CultureInvariant);
    }
}
