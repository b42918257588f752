using Auraed.Base;
using Auraed.Cli;
using Auraed.Config;
using Auraed.Native;
using Auraed.Supervise;

namespace Auraed.Host;

internal static class Program
{
    /// <summary>A launcher is started for every supervised process, so it is reached before anything else is.</summary>
    private static int Main(string[] arguments)
    {
        StandardDescriptors.Reserve();
        return arguments is [Launcher.Verb] ? Launcher.Run() : RunAsync(arguments).GetAwaiter().GetResult();
    }

    private static Task<int> RunAsync(string[] arguments) => CommandLine.RunAsync(arguments, CliEnvironment.OfProcess(Daemon.RunAsync));
}
