namespace Auraed.Store;

/// <summary>
/// What a start made of the journal that a stop had left. A tail that is cut is a group that was never whole, and nobody was answered; an acknowledged last group that the
/// disk has damaged since looks the same.
/// </summary>
/// <param name="Groups">Done again.</param>
/// <param name="TailBytes">Cut off the end.</param>
public readonly record struct RecoveryReport(long Groups, long TailBytes);
