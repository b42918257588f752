using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace Auraed.Migrations.ReadModel;

/// <summary>
/// Chooses our SQLCipher as the engine of SQLitePCLRaw, and supplies SQLitePCLRaw.core to an EF Core provider that was built against a newer one.
/// The binder refuses a lower version by itself and then asks here; where the registry carries the newer version, nobody asks.
/// </summary>
public static class EngineProvider
{
    private const string Core = "SQLitePCLRaw.core";

    /// <summary>Must run before the first connection; again does no harm.</summary>
    public static void Use() => SQLitePCL.raw.SetProvider(new SQLitePCL.SQLite3Provider_e_sqlite3());

#pragma warning disable CA2255 // Has to run before any type of the provider is loaded, whoever uses this library.
    [ModuleInitializer]
    internal static void SupplyCore() => AssemblyLoadContext.Default.Resolving += static (context, name) =>
        name.Name == Core ? context.LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, Core + ".dll")) : null;
#pragma warning restore CA2255
}
