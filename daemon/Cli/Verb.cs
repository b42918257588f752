using System.CommandLine;

namespace Auraed.Cli;

/// <summary>
/// A verb with its examples and what it does. To add one: a method in <c>Verbs/NounVerbs.cs</c> that makes it, the noun's <c>Build</c> listed in
/// <see cref="CommandTree"/>. Help, completions and the manual page follow from the tree; `make golden` takes the new help up.
/// </summary>
internal sealed class Verb : Command
{
    public Verb(string name, string description, params string[] examples)
        : base(name, description) => Examples = examples;

    /// <summary>Whole command lines, as they are typed; a text after two blanks and '#' explains one.</summary>
    public IReadOnlyList<string> Examples { get; }

    /// <summary>True for a verb that calls the daemon: it gets --socket, --client-config and --timeout.</summary>
    public bool IsClient { get; private set; }

    /// <summary>What the verb does. It returns nothing: failing is a <see cref="Base.Fault"/>, and the fault's kind is the exit code.</summary>
    public Verb Does(CliEnvironment environment, Func<Invocation, CancellationToken, Task> action)
    {
        SetAction(async (result, cancel) =>
        {
            using var invocation = new Invocation(result, environment);
            await action(invocation, cancel);
            return invocation.ExitCode;
        });
        return this;
    }

    /// <summary>The same for a verb that calls the daemon.</summary>
    public Verb Calls(CliEnvironment environment, Func<Invocation, CancellationToken, Task> action)
    {
        IsClient = true;
        foreach (var option in GlobalOptions.ForClients)
        {
            Options.Add(option);
        }

        return Does(environment, action);
    }

    public Verb With(params ReadOnlySpan<Symbol> symbols)
    {
        foreach (var symbol in symbols)
        {
            switch (symbol)
            {
                case Argument argument:
                    Arguments.Add(argument);
                    break;
                case Option option:
                    Options.Add(option);
                    break;
                case Command command:
                    Subcommands.Add(command);
                    break;
            }
        }

        return this;
    }
}
