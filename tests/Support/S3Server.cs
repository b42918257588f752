namespace Auraed.Tests.Support;

/// <summary>A server of another maker that speaks S3 and checks signatures, with one bucket, on a port of its own.</summary>
public sealed class S3Server : IAsyncDisposable
{
    public const string Bucket = "chunks";

    private static readonly Lazy<Task<string>> Packages = new(InstallAsync);

    private readonly ChildProcess _process;
    private readonly TemporaryDirectory _directory;

    private S3Server(ChildProcess process, TemporaryDirectory directory, int port)
    {
        _process = process;
        _directory = directory;
        Port = port;
        CredentialsFile = directory["credentials"];
        File.WriteAllText(CredentialsFile, "[other]\naws_access_key_id = X\naws_secret_access_key = Y\n\n# the server's own\n[default]\naws_access_key_id = S3RVER\naws_secret_access_key = S3RVER\n");
    }

    public int Port { get; }

    public string CredentialsFile { get; }

    public string Location => $"s3+http://127.0.0.1:{Port}/{Bucket}";

    /// <summary>Lines of METHOD PATH STATUS TYPE.</summary>
    public IReadOnlyList<string> Requests => [.. _process.Output.Split('\n').Where(line => line.Contains(" /", StringComparison.Ordinal))];

    public static async Task<S3Server> StartAsync()
    {
        var packages = await Packages.Value;
        var directory = new TemporaryDirectory();
        var process = ChildProcess.Start(directory.Path, "node", Repository.Path("tests", "Interop", "s3", "server.js"), packages, directory["data"], Bucket);
        await Eventually.HoldsAsync(() => process.Output.Contains("PORT ", StringComparison.Ordinal), "the S3 server's port");
        return new S3Server(process, directory, int.Parse(process.Output.Split('\n').First(line => line.StartsWith("PORT ", StringComparison.Ordinal))[5..], null));
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _directory.Dispose();
    }

    private static async Task<string> InstallAsync()
    {
        var sources = Repository.Path("tests", "Interop", "s3");
        var directory = Directory.CreateDirectory(Repository.Path("artifacts", "interop", "s3")).FullName;
        var wanted = await File.ReadAllTextAsync(Path.Combine(sources, "package-lock.json"));
        var installed = Path.Combine(directory, "installed.json");
        if (!File.Exists(installed) || await File.ReadAllTextAsync(installed) != wanted)
        {
            File.Copy(Path.Combine(sources, "package.json"), Path.Combine(directory, "package.json"), overwrite: true);
            await File.WriteAllTextAsync(Path.Combine(directory, "package-lock.json"), wanted);
            await ChildProcess.RunAsync(directory, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
            await File.WriteAllTextAsync(installed, wanted);
        }

        return directory;
    }
}
