namespace Aurae.Pki;

public enum PkiSeverity
{
    /// <summary>As it should be.</summary>
    Good,
    /// <summary>Works now; will not for ever, or is laxer than it should be.</summary>
    Warning,
    /// <summary>Does not work, or endangers the keys.</summary>
    Error,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Severity">How bad it is.</param>
/// <param name="Path">The file or directory.</param>
/// <param name="What">What is so, as the rest of a sentence that begins with the path.</param>
/// <param name="Hint">The command that mends it; null when nothing needs mending.</param>
public sealed record PkiFinding(PkiSeverity Severity, string Path, string What, string? Hint);
