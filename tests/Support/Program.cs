namespace Auraed.Tests.Support;

/// <summary>
/// The tests' assembly run as a program of its own: a process that a fault test may kill. <c>dotnet Auraed.Tests.dll store ...</c>
/// </summary>
internal static class Program
{
    /// <summary>What a child is started with.</summary>
    public static string Assembly => typeof(Program).Assembly.Location;

    private static int Main(string[] arguments) => arguments switch
    {
        ["store", .. var rest] => Faults.StoreChild.Run(rest),
        ["assets", .. var rest] => Faults.AssetChild.Run(rest),
        ["segments", .. var rest] => Faults.SegmentChild.Run(rest),
        ["registry", .. var rest] => Faults.RegistryChild.Run(rest),
        ["chunks", .. var rest] => Faults.ChunksChild.Run(rest),
        ["daemon", .. var rest] => Faults.DaemonChild.Run(rest),
        ["cursors", .. var rest] => Faults.CursorChild.Run(rest),
        ["purge", .. var rest] => Faults.PurgeChild.Run(rest),
        _ => 64,
    };
}
