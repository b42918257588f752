using Auraed.Tests.Tidy;

namespace Auraed.Tests.Support;

/// <summary>artifacts/auraed as `make aot` published it: the one file that users get.</summary>
internal static class PublishedBinary
{
    /// <summary>Fails the test when there is none; `make test` publishes before it tests.</summary>
    public static string Path
    {
        get
        {
            var path = System.IO.Path.Combine(SourceTree.Root, "artifacts", "auraed");
            Assert.True(File.Exists(path), $"{path} is not there: make aot");
            return path;
        }
    }

    /// <summary>The command line of a daemon on the root, in the durability that <c>DURABILITY=</c> names, as <see cref="StoreFixture"/>; the program comes first.</summary>
    public static string[] Daemon(string root, params ReadOnlySpan<string> flags) =>
        [Path, "run", "--root", root, .. Environment.GetEnvironmentVariable("DURABILITY") is { Length: > 0 } named ? ["--durability", named] : Array.Empty<string>(), .. flags];

    /// <summary>Starts it; it is not ready yet.</summary>
    public static ChildProcess Start(string root, params ReadOnlySpan<string> flags) => ChildProcess.Start(root, Path, Daemon(root, flags)[1..]);

    /// <summary>Runs it with no setting from the test's own environment.</summary>
    public static Tool Run(params IEnumerable<string> arguments) => Tool.Run(Path, arguments, Clean());

    private static Dictionary<string, string?> Clean() => Environment.GetEnvironmentVariables().Keys.Cast<string>()
        .Where(name => name.StartsWith("AURAE_", StringComparison.Ordinal)).ToDictionary(name => name, _ => (string?)null);
}
