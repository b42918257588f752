namespace Auraed.Store;

/// <summary>How a database is opened. <see cref="Directory"/> and <see cref="KeyPath"/> are all that a daemon sets.</summary>
public sealed record DatabaseOptions
{
    /// <summary>The library directory; made with mode 0700 when absent.</summary>
    public required string Directory { get; init; }

    /// <summary>The PEM file of server.key. It is read once, at open.</summary>
    public required string KeyPath { get; init; }

    /// <summary>Marks a new database as TEST, and refuses an existing one that is not; false does the opposite.</summary>
    public bool IsTest { get; init; }

    /// <summary>False refuses to make a database where there is none.</summary>
    public bool CreateIfMissing { get; init; } = true;

    /// <summary>When nobody says another.</summary>
    public const Durability DurabilityDefault = Durability.Journal;

    /// <summary>How what is acknowledged is kept. It may be another one at every open.</summary>
    public Durability Durability { get; init; } = DurabilityDefault;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Read-only connections at most; 0 takes twice the processors, and four at least.</summary>
    public int ReaderCount { get; init; }

    /// <summary>Told once when nothing can be written any more; the host ends the process.</summary>
    public Action<Base.Fault>? Failed { get; init; }

    /// <summary>Told when the open has taken in a journal.</summary>
    public Action<RecoveryReport>? Recovered { get; init; }

    /// <summary>The engine's file layer; null is its default. Fault tests put theirs in.</summary>
    internal string? FileLayer { get; init; }

    /// <summary>The journal's file layer. Fault tests put theirs in.</summary>
    internal Journal.JournalFiles JournalFiles { get; init; } = Journal.JournalFiles.Default;

    /// <summary>A segment of the journal. Tests take small ones.</summary>
    internal int JournalSegmentBytes { get; init; } = Base.Limits.StoreJournalSegmentBytes;

    /// <summary>The journal as a whole. Tests take a small one.</summary>
    internal long JournalBytesMax { get; init; } = Base.Limits.StoreJournalBytesMax;

    /// <summary>Groups of one after which a caller counts as alone.</summary>
    internal int LoneGroupsMin { get; init; } = Base.Limits.StoreLoneGroupsMin;

    /// <summary>How long the writer is without work before it commits what the journal holds.</summary>
    internal TimeSpan LazyCommitIdle { get; init; } = Base.Limits.StoreLazyCommitIdle;

    /// <summary>How long what the journal holds waits for its commit at most.</summary>
    internal TimeSpan LazyCommitTimeMax { get; init; } = Base.Limits.StoreLazyCommitTimeMax;

    /// <summary>Frames of the log that a busy writer lets come together before it has them moved into the file; null for what suits the durability. Tests take few.</summary>
    internal int? LogFramesBusy { get; init; }

    /// <summary>Changed pages that wait for their commit behind a journal; more are written ahead. Tests take few.</summary>
    internal int PagesKeptMax { get; init; } = Base.Limits.StorePagesKeptWideMax;

    /// <summary>Pages that one commit behind a journal wrote, from which on they are large. Tests take few.</summary>
    internal int WidePagesMin { get; init; } = Base.Limits.StoreWidePagesMin;

    /// <summary>The migrations that make the schema; null takes the embedded ones.</summary>
    internal IReadOnlyList<Migration>? Migrations { get; init; }
}
