using System.Globalization;
using Auraed.Base;

namespace Auraed.Domain.Services;

/// <summary>Who a process is to be.</summary>
/// <param name="Groups">Supplementary ones.</param>
internal sealed record HostUser(uint UserId, uint GroupId, IReadOnlyList<uint> Groups, string Name, string Home);

/// <summary>The host's users and groups out of /etc/passwd and /etc/group (passwd(5), group(5)), read at each launch.</summary>
internal static class HostUsers
{
    private const string Users = "/etc/passwd";
    private const string GroupFile = "/etc/group";

    /// <summary>Null for an empty text. Fault(Precondition) when the host has no such user or group.</summary>
    public static HostUser? Find(string text)
    {
        if (text.Length == 0)
        {
            return null;
        }

        string[] parts = text.Split(':');
        string[]? user = Rows(Users, 7).FirstOrDefault(row => row[0] == parts[0] || row[2] == parts[0]);
        uint userId = user is null ? Number(parts[0]) ?? throw Missing("user", parts[0]) : Number(user[2]) ?? throw Missing("user", parts[0]);
        uint groupId = parts.Length > 1
            ? Number(Rows(GroupFile, 4).FirstOrDefault(row => row[0] == parts[1])?[2] ?? parts[1]) ?? throw Missing("group", parts[1])
            : user is null ? throw new Fault(FaultKind.Precondition, $"user {parts[0]} has no entry in {Users}, so its group is not known", "user", "write user:group") : Number(user[3]) ?? 0;
        string name = user?[0] ?? parts[0];
        uint[] groups = [.. Rows(GroupFile, 4).Where(row => row[3].Split(',').Contains(name)).Select(row => Number(row[2])).OfType<uint>().Append(groupId).Distinct()];
        return new HostUser(userId, groupId, groups, name, user?[5] ?? "/");
    }

    private static IEnumerable<string[]> Rows(string file, int columns) =>
        File.Exists(file) ? File.ReadLines(file).Select(line => line.Split(':')).Where(row => row.Length >= columns) : [];

    private static uint? Number(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;

    private static Fault Missing(string what, string name) => new(FaultKind.Precondition, $"this host has no {what} '{name}'", "user");
}
