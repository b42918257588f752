using Auraed.Base;
using Auraed.Cli;
using Auraed.Config;

namespace Auraed.Host;

internal static class Program
{
    private static Task<int> Main(string[] arguments) => CommandLine.RunAsync(arguments, CliEnvironment.OfProcess(RunDaemonAsync));

    private static Task<int> RunDaemonAsync(Settings settings, CancellationToken cancel) =>
        throw new Fault(FaultKind.Unimplemented, $"this build has no daemon to run in {settings.LibraryDirectory}");
}
