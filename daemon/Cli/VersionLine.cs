using System.CommandLine;
using System.CommandLine.Invocation;
using Auraed.Cli.Output;
using Auraed.Cli.Verbs;

namespace Auraed.Cli;

/// <summary>What `auraed --version` prints; `auraed version` says more.</summary>
internal sealed class VersionLine(Terminal terminal) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        terminal.Out.WriteLine($"auraed {AboutVerbs.Version}");
        return ExitCode.Done;
    }
}
