namespace Auraed.Bench;

/// <summary>A directory of this run on a disk, where temporary files outlive a boot: every peer's data lies on one file system, and syncing costs what it costs.</summary>
internal sealed class Scratch : IDisposable
{
    public Scratch()
    {
        Path = Directory.CreateDirectory($"/var/tmp/auraed-bench.{Environment.ProcessId}").FullName;
    }

    public string Path { get; }

    public string Make(string name) => Directory.CreateDirectory(System.IO.Path.Combine(Path, name)).FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
