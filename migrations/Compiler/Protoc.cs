using System.Diagnostics;
using System.Reflection;

namespace Auraed.Migrations.Compiler;

/// <summary>Runs the protoc of the build.</summary>
internal static class Protoc
{
    public static string Path { get; } = Metadata("Protoc");

    public static string Imports { get; } = Metadata("ProtocImports");

    /// <summary>The descriptors of every proto file under <paramref name="root"/>, and of what they import from there or from <paramref name="imports"/>.</summary>
    public static Descriptors Describe(string root, params IEnumerable<string> imports)
    {
        var output = System.IO.Path.GetTempFileName();
        try
        {
            var files = Directory.GetFiles(root, "*.proto", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(f => System.IO.Path.GetRelativePath(root, f));
            Run([$"--descriptor_set_out={output}", "--include_imports", $"-I{root}", .. imports.Select(static path => $"-I{path}"), $"-I{Imports}", .. files]);
            return Descriptors.Parse(File.ReadAllBytes(output));
        }
        finally
        {
            File.Delete(output);
        }
    }

    public static void Run(IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Path, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new SchemaException(error.Trim());
        }
    }

    private static string Metadata(string key) =>
        typeof(Protoc).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == key).Value!;
}
