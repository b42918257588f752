namespace Auraed.Supervise;

/// <summary>
/// One process, never mistaken for another one with the same number: its number, when it started (clock ticks since boot, field 22 of
/// /proc/PID/stat), and the boot. What is kept of a process on record.
/// </summary>
public readonly record struct ProcessIdentity(int Id, ulong StartTicks, string BootId);
