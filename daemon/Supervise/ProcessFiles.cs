using System.Globalization;

namespace Auraed.Supervise;

/// <summary>What /proc tells of a process.</summary>
public static class ProcessFiles
{
    private const int StateField = 3;
    private const int ParentField = 4;
    private const int StartField = 22;

    /// <summary>When the process started, in clock ticks since boot; null when it is gone or is a zombie.</summary>
    public static ulong? StartTicks(int id) => Start(id) is { IsZombie: false } start ? start.Ticks : null;

    /// <summary>When the process started, in clock ticks since boot, and whether it has ended and was not reaped yet; null when it is gone.</summary>
    public static (ulong Ticks, bool IsZombie)? Start(int id) =>
        Fields(id) is { } fields ? (ulong.Parse(fields[StartField - StateField], CultureInfo.InvariantCulture), fields[0] is "Z" or "X") : null;

    /// <summary>Null when it is gone.</summary>
    public static int? ParentOf(int id) => Fields(id) is { } fields ? int.Parse(fields[ParentField - StateField], CultureInfo.InvariantCulture) : null;

    public static ProcessIdentity? IdentityOf(int id) => StartTicks(id) is { } ticks ? new ProcessIdentity(id, ticks, BootClock.BootId) : null;

    /// <summary>Of /proc/ID/stat, from the third field on.</summary>
    private static string[]? Fields(int id)
    {
        try
        {
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/stat"));
            // Field 2 is the name in parentheses, which may hold any character.
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}
