namespace Auraed.Supervise;

/// <summary>How a process ended.</summary>
public enum ExitKind
{
    /// <summary>It ended while no daemon watched, or the kernel does not tell the end of a process that is not a child (before Linux 6.15).</summary>
    Unknown,
    /// <summary>By itself; the value is its exit code, 0 to 255.</summary>
    Exited,
    /// <summary>By a signal; the value is the signal's number.</summary>
    Signalled,
}

/// <summary>The end of a process, as wait(2) and PIDFD_GET_INFO tell it.</summary>
public readonly record struct ExitStatus(ExitKind Kind, int Value, bool IsCoreDumped = false)
{
    private const int CoreFlag = 0x80;
    private const int SignalMask = 0x7f;

    public static ExitStatus Unknown => default;

    /// <summary>Only an exit by itself with code 0 is a success: what is not known is not one.</summary>
    public bool IsSuccess => Kind == ExitKind.Exited && Value == 0;

    public static ExitStatus Exited(int code) => new(ExitKind.Exited, code);

    public static ExitStatus Signalled(int signal, bool isCoreDumped = false) => new(ExitKind.Signalled, signal, isCoreDumped);

    /// <summary>From the status word of wait(2).</summary>
    public static ExitStatus OfWait(int status) =>
        (status & SignalMask) == 0 ? Exited((status >> 8) & 0xff) : Signalled(status & SignalMask, (status & CoreFlag) != 0);

    public override string ToString() => Kind switch
    {
        ExitKind.Unknown => "ended, its status is not known",
        ExitKind.Exited => $"exited with {Value}",
        ExitKind.Signalled => $"killed by {SignalNames.Of(Value)}{(IsCoreDumped ? ", core dumped" : string.Empty)}",
    };
}
