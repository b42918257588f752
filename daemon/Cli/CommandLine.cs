using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Auraed.Base;
using Auraed.Cli.Output;
using Auraed.Config;
using Auraed.Native;
using Aurae.Pki;

namespace Auraed.Cli;

/// <summary>From the words that were typed to an exit code. The one place where a fault becomes lines on standard error.</summary>
internal static partial class CommandLine
{
    public static async Task<int> RunAsync(string[] arguments, CliEnvironment environment, CancellationToken cancel = default)
    {
        var root = CommandTree.Build(environment);
        var result = root.Parse(arguments);
        var terminal = environment.Terminal;
        var isSuggestion = arguments is [['[', ..], ..];
        if (!isSuggestion && arguments.Contains(GlobalOptions.Root.Name + "="))
        {
            // The parser would take the next word for the directory.
            var empty = EmptyRoot();
            return Fail(terminal, empty, empty.Hint, ExitCode.Usage);
        }

        if (!isSuggestion && result.Action is not (HelpText or VersionLine) && Misuse(root, result) is { } misuse)
        {
            if (LacksVerb(result))
            {
                new HelpText(terminal).Write(terminal.Error, result);
                terminal.Error.WriteLine();
            }

            return Fail(terminal, misuse, misuse.Hint, ExitCode.Usage);
        }

        var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = terminal.Out, Error = terminal.Error };
        try
        {
            var code = await result.InvokeAsync(configuration, cancel);
            if (code < ExitCode.Interrupted)
            {
                // What a signal ends waits for no reader.
                terminal.Out.Flush();
            }

            return code;
        }
        catch (Fault fault)
        {
            return Fail(terminal, fault, HintOf(fault), ExitCode.Of(fault.Kind));
        }
        catch (PkiException error)
        {
            var fault = FaultOf(error);
            return Fail(terminal, fault, HintOf(fault), ExitCode.Of(fault.Kind));
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
        catch (UnauthorizedAccessException error)
        {
            return Fail(terminal, new Fault(FaultKind.Denied, error.Message), "run it as root, or as the owner", ExitCode.Of(FaultKind.Denied));
        }
        catch (StandardOutputException error) when (error.HResult == StandardOutput.BrokenPipe)
        {
            return ExitCode.BrokenPipe;
        }
        catch (StandardOutputException error)
        {
            var fault = FileFaults.OfWriting("what was asked for cannot be written to standard output", null, error);
            return Fail(terminal, fault, HintOf(fault), ExitCode.Of(fault.Kind));
        }
        catch (IOException error)
        {
            return Fail(terminal, new Fault(FaultKind.Internal, error.Message), null, ExitCode.Of(FaultKind.Internal));
        }

        string? HintOf(Fault fault) => fault.Hint is { } hint ? new PlacedHints(root, Invocation.LayoutOf(result, environment).Root).Place(hint) : null;
    }

    public static Fault FaultOf(PkiException error) => new(
        error.Failure switch
        {
            PkiFailure.InvalidName => FaultKind.Invalid,
            PkiFailure.Missing => FaultKind.NotFound,
            PkiFailure.Inconsistent => FaultKind.Precondition,
            PkiFailure.Io => FaultKind.Denied,
        },
        error.Message, hint: error.Hint, cause: error);

    private static int Fail(Terminal terminal, Fault fault, string? hint, int code)
    {
        terminal.Error.WriteLine($"{terminal.Paint(Colour.Red, "error:")} {Units.Printable(fault.Message)}");
        if (hint is not null)
        {
            terminal.Error.WriteLine($"{terminal.Paint(Colour.Bold, "hint:")} {Units.Printable(hint)}");
        }

        return code;
    }

    private static Fault EmptyRoot() =>
        Fault.Invalid(GlobalOptions.Root.Name, "--root is empty", "name the directory, as --root ./.local; without --root it is AURAE_ROOT, or else the system's paths");

    /// <summary>A noun alone, without what to do with it.</summary>
    private static bool LacksVerb(ParseResult result) => result.CommandResult.Command is { Action: null, Subcommands.Count: > 0 } && result.UnmatchedTokens.Count == 0;

    private static Fault? Misuse(RootCommand root, ParseResult result)
    {
        var command = result.CommandResult.Command;
        var path = PathOf(result.CommandResult);
        if (result.UnmatchedTokens.FirstOrDefault() is { } stray)
        {
            var isOption = stray.StartsWith('-');
            var name = stray.Split('=')[0];
            if (isOption && command.Options.Any(option => option.Name == name || option.Aliases.Contains(name)))
            {
                return Fault.Invalid(name, $"the option '{name}' stands before the verb '{command.Name}'", $"write it after the verb: {path} {name} ...");
            }

            var near = NearestName.Of(stray, isOption ? Options(result.CommandResult) : command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name));
            var message = isOption ? $"{path} has no option '{stray}'" : command.Subcommands.Count > 0 ? $"{path} has no verb '{stray}'" : $"{path} does not take '{stray}'";
            return Fault.Invalid(stray, message, near is null ? $"{path} --help" : $"did you mean '{near}'? {path} --help");
        }

        if (command != root && result.RootCommandResult.Children.OfType<OptionResult>().FirstOrDefault(option => !option.Implicit && !option.Option.Recursive) is { } early)
        {
            return Fault.Invalid(early.Option.Name, $"the daemon's option '{early.Option.Name}' stands before the verb '{command.Name}'", $"write it after the verb: {path} --help");
        }

        if (command.Arguments.FirstOrDefault(argument => result.GetResult(argument)?.Tokens.Any(token => token.Value.Length == 0) == true) is { } empty)
        {
            return Fault.Invalid(empty.Name, $"{path}: {empty.Name} is empty", $"{path} --help");
        }

        if (result.GetResult(GlobalOptions.Root)?.Tokens.Any(token => token.Value.Length == 0) == true)
        {
            return EmptyRoot();
        }

        if (result.Errors.Count == 0)
        {
            return null;
        }

        if (LacksVerb(result))
        {
            return Fault.Invalid("verb", $"{path} needs a verb: {string.Join(", ", HelpText.VisibleVerbs(command).Select(verb => verb.Name))}", $"{path} VERB --help");
        }

        if (command.Arguments.FirstOrDefault(argument => argument.Arity.MinimumNumberOfValues > 0 && result.GetResult(argument) is not { Tokens.Count: > 0 }) is { } missing)
        {
            return Fault.Invalid(missing.Name, $"{path} needs {missing.Name}", $"{path} --help");
        }

        return Fault.Invalid("arguments", Unlike(result.Errors[0].Message) ?? string.Join(' ', result.Errors[0].Message.Split(['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.'), $"{path} --help");
    }

    /// <summary>The parser names the type that a value is not of; people know numbers. Null for other messages.</summary>
    private static string? Unlike(string message)
    {
        var match = UnlikeMessage().Match(message);
        var kind = match.Groups["type"].Value switch
        {
            var type when type.Contains("Int", StringComparison.Ordinal) => "a whole number",
            var type when type.Contains("Double", StringComparison.Ordinal) || type.Contains("Decimal", StringComparison.Ordinal) => "a number",
            var type when type.Contains("Boolean", StringComparison.Ordinal) => "true or false",
            _ => null,
        };
        return kind is null ? null : $"{match.Groups["name"].Value} is {kind}, not '{match.Groups["value"].Value}'";
    }

    [GeneratedRegex("^Cannot parse argument '(?<value>.*)' for (option|command) '(?<name>.*)' as expected type '(?<type>.*)'")]
    private static partial Regex UnlikeMessage();

    private static IEnumerable<string> Options(CommandResult command)
    {
        for (SymbolResult? result = command; result is not null; result = result.Parent)
        {
            if (result is CommandResult current)
            {
                foreach (var option in current.Command.Options.Where(option => current == command || option.Recursive))
                {
                    yield return option.Name;
                }
            }
        }
    }

    internal static string PathOf(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{PathOf(parent)} {command.Command.Name}" : "auraed";

}
