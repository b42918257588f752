using Auraed.Tests.Support;

namespace Auraed.Tests.Interop;

/// <summary>gRPC of other languages: what they need is installed once, outside of the sources.</summary>
public static class Peers
{
    // pyenv's python3 may come first on PATH; grpcio is the system's.
    private const string Python = "/usr/bin/python3";

    private static readonly Lazy<Task<string>> NodePackages = new(InstallNodePackagesAsync);
    private static readonly Lazy<Task<string>> PythonStubs = new(MakePythonStubsAsync);

    private static string Sources => Repository.Path("tests", "Interop");

    public static IReadOnlyList<string> Languages { get; } = ["node", "python"];

    /// <summary>Runs all cases of a client against a target; the outcome of each by its name, empty when it passed.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> RunClientAsync(string language, params string[] target)
    {
        var (program, script, packages) = await CommandAsync(language, "client");
        var output = await ChildProcess.RunAsync(Sources, program, [script, packages, .. target]);
        return output.Split('\n').Select(line => line.Split(' ', 3)).Where(parts => parts[0] is "PASS" or "FAIL")
            .ToDictionary(parts => parts[1], parts => parts[0] == "PASS" ? "" : parts.ElementAtOrDefault(2) ?? "no reason");
    }

    /// <summary>Runs a script of the node folder with these arguments behind the packages' directory; its output.</summary>
    public static async Task<string> RunNodeAsync(string script, params string[] arguments) =>
        await ChildProcess.RunAsync(Sources, "node", [Path.Combine(Sources, "node", script), await NodePackages.Value, .. arguments]);

    public static async Task<ChildProcess> StartServerAsync(string language, string target)
    {
        var (program, script, packages) = await CommandAsync(language, "server");
        var server = ChildProcess.Start(Sources, program, script, packages, target);
        await server.WaitForLineAsync("READY");
        return server;
    }

    private static async Task<(string Program, string Script, string Packages)> CommandAsync(string language, string side) => language == "node"
        ? ("node", Path.Combine(Sources, "node", side + ".js"), await NodePackages.Value)
        : (Python, Path.Combine(Sources, "python", side + ".py"), await PythonStubs.Value);

    private static async Task<string> InstallNodePackagesAsync()
    {
        var directory = Directory.CreateDirectory(Repository.Path("artifacts", "interop", "node")).FullName;
        var wanted = await File.ReadAllTextAsync(Path.Combine(Sources, "node", "package-lock.json"));
        var installed = Path.Combine(directory, "installed.json");
        if (File.Exists(installed) && await File.ReadAllTextAsync(installed) == wanted)
            return directory;
        File.Copy(Path.Combine(Sources, "node", "package.json"), Path.Combine(directory, "package.json"), overwrite: true);
        await File.WriteAllTextAsync(Path.Combine(directory, "package-lock.json"), wanted);
        await ChildProcess.RunAsync(directory, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
        await File.WriteAllTextAsync(installed, wanted);
        return directory;
    }

    private static async Task<string> MakePythonStubsAsync()
    {
        var directory = Directory.CreateDirectory(Repository.Path("artifacts", "interop", "python")).FullName;
        var protos = Path.Combine(Sources, "protos");
        await ChildProcess.RunAsync(
            protos, Python, ["-m", "grpc_tools.protoc", "-I" + protos, "--python_out=" + directory, "--grpc_python_out=" + directory, "empty.proto", "messages.proto", "test.proto"]);
        return directory;
    }
}
