using System.CommandLine;
using System.Globalization;

namespace Auraed.Cli;

/// <summary>The manual page in roff (man macros), made from the tree of verbs.</summary>
internal static class ManualPage
{
    public static void Write(TextWriter writer, RootCommand root, string version)
    {
        writer.WriteLine($".TH AURAED 8 \"\" \"auraed {version}\" \"System administration\"");
        writer.WriteLine(".SH NAME");
        writer.WriteLine("auraed \\- the Aurae runtime daemon, and the commands that operate it");
        writer.WriteLine(".SH SYNOPSIS");
        foreach (var line in HelpText.Usage("auraed", root))
        {
            writer.WriteLine($".B {Escape(line)}");
            writer.WriteLine(".br");
        }

        writer.WriteLine(".SH DESCRIPTION");
        writer.WriteLine("Without a verb, the daemon runs. Every other verb is a client of a running daemon, or works on its files.");
        writer.WriteLine("Results go to standard output; errors and hints to standard error; the exit status tells the kind of failure.");
        Options(writer, "OPTIONS", root.Options);
        writer.WriteLine(".SH VERBS");
        foreach (var verb in HelpText.VisibleVerbs(root))
        {
            Verb(writer, $"auraed {verb.Name}", verb);
        }

        ExitStatus(writer);
        Environment(writer);
        writer.WriteLine(".SH EXAMPLES");
        Examples(writer, CommandTree.Examples);
    }

    private static void Verb(TextWriter writer, string path, Command command)
    {
        writer.WriteLine($".SS {Escape(path)}");
        writer.WriteLine(Escape(command.Description ?? string.Empty));
        if (command.Action is not null)
        {
            foreach (var line in HelpText.Usage(path, command))
            {
                writer.WriteLine(".PP");
                writer.WriteLine($".B {Escape(line)}");
            }
        }

        foreach (var argument in command.Arguments.Where(argument => !argument.Hidden))
        {
            Item(writer, argument.HelpName ?? argument.Name, argument.Description);
        }

        foreach (var option in command.Options.Where(option => !option.Hidden && option is not System.CommandLine.Help.HelpOption))
        {
            Item(writer, HelpText.LabelOf(option), option.Description);
        }

        Examples(writer, HelpText.ExamplesOf(command));
        foreach (var verb in HelpText.VisibleVerbs(command))
        {
            Verb(writer, $"{path} {verb.Name}", verb);
        }
    }

    private static void Options(TextWriter writer, string title, IEnumerable<Option> options)
    {
        writer.WriteLine($".SH {title}");
        foreach (var option in options.Where(option => !option.Hidden))
        {
            Item(writer, HelpText.LabelOf(option), option.Description);
        }
    }

    private static void ExitStatus(TextWriter writer)
    {
        writer.WriteLine(".SH EXIT STATUS");
        foreach (var (code, meaning) in ExitCode.Meanings)
        {
            Item(writer, code.ToString(CultureInfo.InvariantCulture), meaning);
        }
    }

    private static void Environment(TextWriter writer)
    {
        writer.WriteLine(".SH ENVIRONMENT");
        Item(writer, "AURAE_ROOT", "What --root says, when it is not given.");
        Item(writer, "NO_COLOR", "When set and not empty, nothing is coloured.");
        Item(writer, "HOME", "Clients look for their configuration in $HOME/.aurae/config first.");
    }

    private static void Examples(TextWriter writer, IReadOnlyList<string> examples)
    {
        if (examples.Count == 0)
        {
            return;
        }

        writer.WriteLine(".PP");
        writer.WriteLine(".nf");
        foreach (var example in examples)
        {
            writer.WriteLine(Escape(example));
        }

        writer.WriteLine(".fi");
    }

    private static void Item(TextWriter writer, string label, string? text)
    {
        writer.WriteLine(".TP");
        writer.WriteLine($".B {Escape(label)}");
        writer.WriteLine(Escape(text ?? string.Empty));
    }

    /// <summary>Backslashes, minus signs, and lines that would be taken for a request.</summary>
    private static string Escape(string text)
    {
        var escaped = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return escaped.StartsWith('.') || escaped.StartsWith('\'') ? "\\&" + escaped : escaped;
    }
}
