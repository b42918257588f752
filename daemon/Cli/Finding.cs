using Aurae.Pki;

namespace Auraed.Cli;

/// <summary>One thing that a check looked at: how bad it is, what it is about, what is so, and the command that mends it.</summary>
internal sealed record Finding(PkiSeverity Severity, string Subject, string What, string? Hint)
{
    public static Finding Good(string subject, string what) => new(PkiSeverity.Good, subject, what, null);

    public static Finding Warning(string subject, string what, string? hint) => new(PkiSeverity.Warning, subject, what, hint);

    public static Finding Error(string subject, string what, string? hint) => new(PkiSeverity.Error, subject, what, hint);
}
