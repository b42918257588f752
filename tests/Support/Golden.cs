using System.Runtime.CompilerServices;

namespace Auraed.Tests.Support;

/// <summary>
/// Compares a text with the file that was reviewed: NAME.verified.txt beside the test. On a mismatch NAME.received.txt is written next to it
/// (git ignores it); AURAE_GOLDEN=write, which `make golden` sets, writes the verified file instead.
/// </summary>
internal static class Golden
{
    public static void Verify(string received, string name, [CallerFilePath] string testFile = "")
    {
        var stem = Path.Combine(Path.GetDirectoryName(testFile)!, $"{Path.GetFileNameWithoutExtension(testFile)}.{name}");
        var (verifiedPath, receivedPath) = ($"{stem}.verified.txt", $"{stem}.received.txt");
        var text = received.ReplaceLineEndings("\n").TrimEnd('\n') + "\n";
        if (Environment.GetEnvironmentVariable("AURAE_GOLDEN") == "write")
        {
            File.WriteAllText(verifiedPath, text);
            File.Delete(receivedPath);
            return;
        }

        var verified = File.Exists(verifiedPath) ? File.ReadAllText(verifiedPath) : "(there is no verified file)";
        if (text == verified)
        {
            File.Delete(receivedPath);
            return;
        }

        File.WriteAllText(receivedPath, text);
        Assert.Fail($"{Path.GetFileName(verifiedPath)} differs {FirstDifference(verified, text)}\ncompare: diff {verifiedPath} {receivedPath}\naccept: make golden, and review the diff");
    }

    private static string FirstDifference(string verified, string received)
    {
        var (left, right) = (verified.Split('\n'), received.Split('\n'));
        var line = Enumerable.Range(0, Math.Max(left.Length, right.Length)).First(index => left.ElementAtOrDefault(index) != right.ElementAtOrDefault(index));
        return $"at line {line + 1}:\n- {left.ElementAtOrDefault(line)}\n+ {right.ElementAtOrDefault(line)}";
    }
}
