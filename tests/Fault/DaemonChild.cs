using System.Diagnostics;
using System.Globalization;
using Auraed.Config;
using Auraed.Host;
using Auraed.Store;

namespace Auraed.Tests.Faults;

/// <summary>A whole daemon that kills itself when it reaches the named point for the n-th time after the first call that says so: the file <c>armed</c> in its root.</summary>
internal static class DaemonChild
{
    /// <param name="arguments">Root directory, crash point, which time.</param>
    public static int Run(string[] arguments)
    {
        var (root, point, times, reached) = (arguments[0], arguments[1], int.Parse(arguments[2], CultureInfo.InvariantCulture), 0);
        var armed = Path.Combine(root, "armed");
        CrashPoint.Hook = name =>
        {
            if (name == point && File.Exists(armed) && Interlocked.Increment(ref reached) == times)
            {
                Process.GetCurrentProcess().Kill();
                Thread.CurrentThread.Join();
            }
        };
        RunAsync(root).GetAwaiter().GetResult();
        return 0;
    }

    private static async Task RunAsync(string root)
    {
        var settings = SettingsLoader.Load(Support.DaemonFixture.InNamedDurability([]), new Dictionary<string, string>(), null, root);
        await using var daemon = await DaemonHost.StartAsync(settings, new Dictionary<string, string>(), Stream.Null, TimeProvider.System, default);
        Console.Out.WriteLine("ready");
        Console.Out.Flush();
        // Until it is killed.
        await Console.In.ReadToEndAsync();
    }
}
