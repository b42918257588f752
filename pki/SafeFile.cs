using System.Text;

namespace Aurae.Pki;

/// <summary>
/// Writes whole files that are either there completely or not at all, also after a power cut: a temporary file in the same directory,
/// flushed, then given its name without replacing what bears it, then the directory flushed.
/// </summary>
internal sealed class SafeFile(PkiPlatform platform)
{
    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PublicFile = PrivateFile | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode PrivateDirectory = PrivateFile | UnixFileMode.UserExecute;

    /// <summary>Creates the directory and its missing parents; those created are for their owner alone.</summary>
    public void CreateDirectory(string path) => Guard(path, "create", () =>
    {
        if (Directory.Exists(path))
        {
            return;
        }

        Directory.CreateDirectory(path, PrivateDirectory);
        var parent = Path.GetDirectoryName(path);
        if (parent is not null)
        {
            platform.SyncDirectory(parent);
        }
    });

    /// <exception cref="PkiException"><see cref="PkiFailure.Inconsistent"/> when the name is taken meanwhile.</exception>
    public void Create(string path, string text, bool isPrivate) => Guard(path, "write", () =>
    {
        var directory = Path.GetDirectoryName(path)!;
        var temporary = Path.Combine(directory, $".{Path.GetFileName(path)}.{Guid.NewGuid():n}");
        try
        {
            Write(temporary, text, isPrivate ? PrivateFile : PublicFile);
            File.Move(temporary, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw new PkiException(PkiFailure.Inconsistent, $"{path} appeared while it was being made; it was left as it is", "run the same command again");
        }
        finally
        {
            File.Delete(temporary);
        }

        platform.SyncDirectory(directory);
    });

    public static string Read(string path)
    {
        var text = string.Empty;
        Guard(path, "read", () => text = File.ReadAllText(path));
        return text;
    }

    private static void Write(string path, string text, UnixFileMode mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode };
        using var stream = new FileStream(path, options);
        stream.Write(Encoding.ASCII.GetBytes(text));
        stream.Flush(flushToDisk: true);
    }

    private static void Guard(string path, string verb, Action act)
    {
        try
        {
            act();
        }
        catch (FileNotFoundException error)
        {
            throw new PkiException(PkiFailure.Missing, $"cannot {verb} {path}: it does not exist", null, error);
        }
        catch (DirectoryNotFoundException error)
        {
            throw new PkiException(PkiFailure.Missing, $"cannot {verb} {path}: its directory does not exist", null, error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new PkiException(PkiFailure.Io, $"cannot {verb} {path}: permission denied", "run it as the owner of the directory, or as root", error);
        }
        catch (IOException error)
        {
            throw new PkiException(PkiFailure.Io, $"cannot {verb} {path}: {error.Message}", null, error);
        }
    }
}
