namespace Aurae.Pki;

/// <summary>The closed set of ways that making a certificate set fails.</summary>
public enum PkiFailure
{
    /// <summary>A client name that cannot be a file name and a DNS label.</summary>
    InvalidName,
    /// <summary>A file that is needed to go on is not there.</summary>
    Missing,
    /// <summary>Files are there that contradict each other; nothing was changed.</summary>
    Inconsistent,
    /// <summary>The operating system refused to read or write.</summary>
    Io,
}

/// <summary>What failed, on which file, and the command that mends it. Never holds key material.</summary>
public sealed class PkiException(PkiFailure failure, string message, string? hint = null, Exception? cause = null) : Exception(message, cause)
{
    public PkiFailure Failure { get; } = failure;

    public string? Hint { get; } = hint;
}
