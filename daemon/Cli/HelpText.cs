using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Auraed.Cli.Output;

namespace Auraed.Cli;

/// <summary>Prints the help of one command: what it does, how it is written, its examples, its verbs, arguments and options.</summary>
internal sealed class HelpText(Terminal terminal) : SynchronousCommandLineAction
{
    private const int NameWidthMax = 34;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        Write(terminal.Out, parseResult);
        return 0;
    }

    /// <summary>The help of the command that was typed.</summary>
    public void Write(TextWriter writer, ParseResult result)
    {
        var inherited = Inherited(result.CommandResult.Parent as System.CommandLine.Parsing.CommandResult);
        Write(writer, CommandLine.PathOf(result.CommandResult), result.CommandResult.Command, inherited);
    }

    /// <summary>The same text for `--help`, the golden file and whoever else asks.</summary>
    public void Write(TextWriter writer, string path, Command command, IEnumerable<Option> inherited)
    {
        writer.WriteLine(command.Description);
        writer.WriteLine();
        writer.WriteLine("Usage:");
        foreach (var line in Usage(path, command))
        {
            writer.WriteLine($"  {line}");
        }

        var examples = ExamplesOf(command);
        if (examples.Count > 0)
        {
            writer.WriteLine();
            writer.WriteLine("Examples:");
            foreach (var example in examples)
            {
                writer.WriteLine($"  {example}");
            }
        }

        Section(writer, "Verbs:", VisibleVerbs(command).Select(verb => (verb.Name + ArgumentsOf(verb), verb.Description ?? string.Empty)));
        Section(writer, "Arguments:", command.Arguments.Where(argument => !argument.Hidden).Select(argument => ($"<{NameOf(argument)}>", argument.Description ?? string.Empty)));
        Section(writer, "Options:", command.Options.Concat(inherited).Where(option => !option.Hidden).Select(option => (LabelOf(option), option.Description ?? string.Empty)));
    }

    public static IReadOnlyList<string> ExamplesOf(Command command) => command is Verb verb ? verb.Examples : command is RootCommand ? CommandTree.Examples : [];

    public static IEnumerable<Command> VisibleVerbs(Command command) => command.Subcommands.Where(verb => !verb.Hidden);

    public static IEnumerable<string> Usage(string path, Command command)
    {
        var options = command.Options.Any(option => !option.Hidden && option is not HelpOption) || command is not RootCommand ? " [options]" : string.Empty;
        if (command.Action is not null)
        {
            yield return $"{path}{ArgumentsOf(command)}{options}";
        }

        if (VisibleVerbs(command).Any())
        {
            yield return $"{path} VERB [options]";
        }
    }

    /// <summary>Names, then the value: "-s, --socket ADDRESS".</summary>
    public static string LabelOf(Option option)
    {
        var names = option.Aliases.Append(option.Name).Distinct().OrderBy(name => name.Length);
        var value = option is HelpOption or VersionOption || option.Arity.MaximumNumberOfValues == 0 || option.ValueType == typeof(bool)
            ? string.Empty
            : " " + (option.HelpName ?? option.Name.TrimStart('-').ToUpperInvariant());
        return string.Join(", ", names) + value;
    }

    private static IEnumerable<Option> Inherited(System.CommandLine.Parsing.CommandResult? parent)
    {
        for (; parent is not null; parent = parent.Parent as System.CommandLine.Parsing.CommandResult)
        {
            foreach (var option in parent.Command.Options.Where(option => option.Recursive))
            {
                yield return option;
            }
        }
    }

    private static string ArgumentsOf(Command command) => string.Concat(command.Arguments.Where(argument => !argument.Hidden)
        .Select(argument => argument.Arity.MinimumNumberOfValues == 0 ? $" [<{NameOf(argument)}>]" : $" <{NameOf(argument)}>"));

    private static string NameOf(Argument argument) => argument.HelpName ?? argument.Name;

    private void Section(TextWriter writer, string title, IEnumerable<(string Name, string Text)> lines)
    {
        var rows = lines.ToArray();
        if (rows.Length == 0)
        {
            return;
        }

        writer.WriteLine();
        writer.WriteLine(title);
        var width = Math.Min(NameWidthMax, rows.Max(row => row.Name.Length));
        foreach (var (name, text) in rows)
        {
            var indent = new string(' ', width + 4);
            var first = name.Length > width ? $"  {name}{Environment.NewLine}{indent}" : $"  {name.PadRight(width)}  ";
            writer.WriteLine(first + string.Join(Environment.NewLine + indent, Wrap(text, terminal.Width - width - 4)));
        }
    }

    private static IEnumerable<string> Wrap(string text, int width)
    {
        var line = string.Empty;
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = word;
            }
            else
            {
                line = line.Length == 0 ? word : $"{line} {word}";
            }
        }

        yield return line;
    }
}
