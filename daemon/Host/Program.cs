namespace Auraed.Host;

internal static class Program
{
    private static int Main(string[] args)
    {
        SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());
        Console.WriteLine(SQLitePCL.raw.sqlite3_libversion().utf8_to_string() + " " + args.Length);
        return 0;
    }
}
