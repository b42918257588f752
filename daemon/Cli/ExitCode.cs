using Auraed.Base;

namespace Auraed.Cli;

/// <summary>What the process ends with. One number per cause, so that a script can tell them apart.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Usage = 2;
    public const int Found = 3;
    public const int Interrupted = 130;
    public const int BrokenPipe = 141;

    public static int Of(FaultKind kind) => kind switch
    {
        FaultKind.Internal => 1,
        FaultKind.Invalid => 4,
        FaultKind.NotFound => 5,
        FaultKind.AlreadyExists => 6,
        FaultKind.Precondition => 7,
        FaultKind.Aborted => 8,
        FaultKind.OutOfRange => 9,
        FaultKind.Unauthenticated => 10,
        FaultKind.Denied => 11,
        FaultKind.Exhausted => 12,
        FaultKind.Unavailable => 13,
        FaultKind.DeadlineExceeded => 14,
        FaultKind.Cancelled => 15,
        FaultKind.Unimplemented => 16,
        FaultKind.Corrupt => 17,
    };

    /// <summary>For the manual.</summary>
    public static IEnumerable<(int Code, string Meaning)> Meanings =>
    [
        (Done, "Done."),
        (Usage, "The command line is wrong; nothing was tried."),
        (Found, "A check found errors."),
        (Interrupted, "Interrupted by a signal."),
        (BrokenPipe, "Whoever read standard output went away."),
        .. Enum.GetValues<FaultKind>().Select(kind => (Of(kind), $"{kind}.")).OrderBy(pair => pair.Item1),
    ];
}
