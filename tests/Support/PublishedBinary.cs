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

    /// <summary>Runs it with no setting from the test's own environment.</summary>
    public static Tool Run(params IEnumerable<string> arguments) => Tool.Run(Path, arguments, Clean());

    private static Dictionary<string, string?> Clean() => Environment.GetEnvironmentVariables().Keys.Cast<string>()
        .Where(name => name.StartsWith("AURAE_", StringComparison.Ordinal)).ToDictionary(name => name, _ => (string?)null);
}
