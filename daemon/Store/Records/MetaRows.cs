using System.Security.Cryptography;

namespace Auraed.Store.Records;

/// <summary>Single values that belong to the database.</summary>
public static class MetaRows
{
    private const int KeyBytes = 32;

    /// <summary>A random key that is made with its first use and stays with the file: what is sealed with it stays valid over restarts.</summary>
    public static async Task<byte[]> KeyAsync(Database database, string name, CancellationToken cancel)
    {
        string? known = await database.ReadAsync(unit => Find(unit.Prepare, name), cancel).ConfigureAwait(false);
        known ??= await database.WriteAsync(
            unit =>
            {
                if (Find(unit.Prepare, name) is { } made)
                {
                    return made;
                }

                string value = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes));
                Statement insert = unit.Prepare("INSERT INTO meta (key, value) VALUES (?, ?)");
                insert.Text(0, name);
                insert.Text(1, value);
                _ = insert.Execute();
                return value;
            },
            cancel).ConfigureAwait(false);
        return Convert.FromHexString(known);
    }

    private static string? Find(Func<string, Statement> prepare, string name)
    {
        Statement statement = prepare("SELECT value FROM meta WHERE key = ?");
        statement.Text(0, name);
        string? value = statement.Step() ? statement.Text(0) : null;
        statement.Reset();
        return value;
    }
}
