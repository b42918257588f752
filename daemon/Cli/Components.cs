using SQLitePCL;

namespace Auraed.Cli;

/// <summary>What is linked into this binary.</summary>
internal static class Components
{
    /// <summary>The database engine's version.</summary>
    public static string Engine()
    {
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return "SQLite " + raw.sqlite3_libversion().utf8_to_string();
    }
}
