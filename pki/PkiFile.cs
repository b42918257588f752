namespace Aurae.Pki;

/// <summary>The store's way of writing, for the files that go with it.</summary>
public static class PkiFile
{
    /// <summary>Makes the file and its missing directories; readable by all, never over one that exists.</summary>
    public static void Create(string path, string text, PkiPlatform platform)
    {
        var files = new SafeFile(platform);
        var target = Path.GetFullPath(path);
        files.CreateDirectory(Path.GetDirectoryName(target)!);
        files.Create(target, text, isPrivate: false);
    }
}
