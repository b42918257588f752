using System.Collections.Concurrent;
using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Supervise;

/// <summary>
/// Programs that the daemon wrote out to be executed, files in one directory. They are not encrypted.
/// <code>
///   DIRECTORY/ID/NAME            read and executed by everybody who is handed the directory, written by nobody
///   DIRECTORY/ID/.NAME.partial   being written; takes the name when it is whole, checked and synced
/// </code>
/// Invariants: what stands under a name was whole and checked when it got it; a file is executed only after it was compared with its digest within this run of the
/// daemon, and again when anything of it has changed since.
/// </summary>
public sealed class ProgramFiles
{
    private const string PartialSuffix = ".partial";
    private const int BlockBytes = 1024 * 1024;
    private const UnixFileMode ForAll = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    private readonly ConcurrentDictionary<string, (FileStamp Stamp, string Digest)> _checked = new(StringComparer.Ordinal);
    private readonly string _directory;

    public ProgramFiles(string directory)
    {
        _directory = directory;
        _ = Directory.CreateDirectory(directory, ForAll | UnixFileMode.UserWrite);
    }

    /// <summary>The directory of the program, for <see cref="LaunchSpec.ProgramDirectory"/>.</summary>
    public string DirectoryOf(string id) => Path.Combine(_directory, id);

    /// <summary>True when the program is there and is what its digest says; false when it is missing or damaged.</summary>
    /// <param name="digest">SHA-256 in lower-case hex.</param>
    public bool IsSound(string id, string name, string digest)
    {
        string path = Path.Combine(DirectoryOf(id), name);
        if (FileStamp.Of(path) is not { } stamp)
        {
            return false;
        }

        if (_checked.TryGetValue(path, out (FileStamp Stamp, string Digest) known) && known == (stamp, digest))
        {
            return true;
        }

        if (DigestOf(path) != digest || File.GetUnixFileMode(path) != ForAll)
        {
            return false;
        }

        _checked[path] = (stamp, digest);
        return true;
    }

    /// <summary>An empty file that the program is written to, in order; the caller disposes it. What an interrupted run left is gone.</summary>
    public SafeFileHandle Begin(string id, string name)
    {
        _ = Directory.CreateDirectory(DirectoryOf(id), ForAll | UnixFileMode.UserWrite);
        return File.OpenHandle(PartialPath(id, name), FileMode.Create, FileAccess.Write);
    }

    /// <summary>Gives the written file its name, durably, and to everybody. The caller has checked what it wrote.</summary>
    public void Publish(string id, string name)
    {
        string partial = PartialPath(id, name);
        File.SetUnixFileMode(partial, ForAll);
        DurableFiles.Publish(partial, Path.Combine(DirectoryOf(id), name));
        DurableFiles.SyncDirectory(_directory);
    }

    /// <summary>Removes what <see cref="Begin"/> made.</summary>
    public void Abandon(string id, string name)
    {
        File.Delete(PartialPath(id, name));
        if (!Directory.EnumerateFileSystemEntries(DirectoryOf(id)).Any())
        {
            Directory.Delete(DirectoryOf(id));
        }
    }

    /// <summary>Ids of the programs that are there, whole or not.</summary>
    public IReadOnlyList<string> Ids => [.. Directory.EnumerateFileSystemEntries(_directory).Select(path => Path.GetFileName(path))];

    /// <summary>Removes the program under all its names. A process that runs it is not touched.</summary>
    public void Remove(string id)
    {
        string path = DirectoryOf(id);
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }

        foreach (string known in _checked.Keys.Where(known => known.StartsWith(path + "/", StringComparison.Ordinal)))
        {
            _ = _checked.TryRemove(known, out _);
        }
    }

    /// <summary>Removes files of the program that were not written to their end.</summary>
    public void RemovePartial(string id)
    {
        foreach (string path in Directory.EnumerateFiles(DirectoryOf(id), ".*" + PartialSuffix, new EnumerationOptions { AttributesToSkip = 0 }))
        {
            File.Delete(path);
        }
    }

    private string PartialPath(string id, string name) => Path.Combine(DirectoryOf(id), $".{name}{PartialSuffix}");

    private static string DigestOf(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[BlockBytes];
        for (long offset = 0; RandomAccess.Read(file, block, offset) is > 0 and var count; offset += count)
        {
            hash.AppendData(block, 0, count);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
