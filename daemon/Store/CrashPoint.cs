namespace Auraed.Store;

/// <summary>
/// Named places between the steps of a write path, where the fault tests kill the process. Compiled in always and inert: nothing but a
/// test's own executable sets the hook.
/// </summary>
internal static class CrashPoint
{
    internal static Action<string>? Hook { get; set; }

    public static void Reach(string name) => Hook?.Invoke(name);
}
