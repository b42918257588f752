using Auraed.Native;

namespace Auraed.Store;

/// <summary>
/// Which key the file was last re-keyed to: <c>aurae.db.rekeyed</c> in the library directory, three lines of text. Only ever a help for
/// messages; names of keys are not secret.
/// <code>
/// line 1  identity of the key before
/// line 2  identity of the key since
/// line 3  path of the key file since
/// </code>
/// </summary>
internal sealed record RekeyRecord(string OldIdentity, string NewIdentity, string NewKeyPath)
{
    private const string Name = DatabaseFile.Name + ".rekeyed";

    public static RekeyRecord? Read(string directory)
    {
        var path = Path.Combine(directory, Name);
        if (!File.Exists(path))
        {
            return null;
        }

        var lines = File.ReadAllLines(path);
        return lines.Length >= 3 ? new RekeyRecord(lines[0], lines[1], lines[2]) : null;
    }

    public void Write(string directory)
    {
        var path = Path.Combine(directory, Name);
        File.WriteAllLines(path + ".new", [OldIdentity, NewIdentity, NewKeyPath]);
        DurableFiles.Publish(path + ".new", path);
    }
}
