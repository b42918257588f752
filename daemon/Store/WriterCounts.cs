namespace Auraed.Store;

/// <summary>What the writer has done since it started; read by metrics.</summary>
public sealed class WriterCounts
{
    private long _unitsFailed;

    /// <summary>Groups that became durable with at least one unit in them: commits, or records of the journal.</summary>
    public long Groups { get; internal set; }

    /// <summary>Commits behind a journal; 0 without one.</summary>
    public long Commits { get; internal set; }

    /// <summary>Bytes written to the journal; 0 without one.</summary>
    public long JournalBytes { get; internal set; }

    /// <summary>Units that became durable.</summary>
    public long Units { get; internal set; }

    /// <summary>Units that were rolled back by their own error.</summary>
    public long UnitsRefused { get; internal set; }

    /// <summary>Units that failed with their group: disk full, disk error.</summary>
    public long UnitsFailed => Volatile.Read(ref _unitsFailed);

    internal void AddFailed(long units) => Interlocked.Add(ref _unitsFailed, units);
}
