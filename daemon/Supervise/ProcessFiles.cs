using System.Globalization;

namespace Auraed.Supervise;

/// <summary>What /proc tells of a process.</summary>
public static class ProcessFiles
{
    private const int StateField = 3;
    private const int StartField = 22;

    /// <summary>When the process started, in clock ticks since boot; null when it is gone or is a zombie.</summary>
    public static ulong? StartTicks(int id)
    {
        try
        {
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/stat"));
            // Field 2 is the name in parentheses, which may hold any character.
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : ulong.Parse(fields[StartField - StateField], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }

    public static ProcessIdentity? IdentityOf(int id) => StartTicks(id) is { } ticks ? new ProcessIdentity(id, ticks, BootClock.BootId) : null;
}
