using Auraed.Base;
using Auraed.Cli;
using Auraed.Config;

namespace Auraed.Host;

internal static class Program
{
    private static Task<int> Main(string[] arguments) => CommandLine.RunAsync(arguments, CliEnvironment.OfProcess(Daemon.RunAsync));
}
