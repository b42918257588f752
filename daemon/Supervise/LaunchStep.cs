using System.Runtime.InteropServices;
using Auraed.Base;

namespace Auraed.Supervise;

/// <summary>The steps of a launch, in order. The numbers go over the launcher's channel.</summary>
public enum LaunchStep
{
    Specification = 1,
    Session = 2,
    Bounds = 3,
    Output = 4,
    Cgroup = 5,
    Namespaces = 6,
    Mounts = 7,
    HostName = 8,
    Groups = 9,
    User = 10,
    Privileges = 11,
    Directory = 12,
    Descriptors = 13,
    Program = 14,
}

internal static class LaunchFaults
{
    private const int NotPermitted = 1;
    private const int Again = 11;
    private const int NoMemory = 12;
    private const int NoSpace = 28;

    /// <summary>What the operator reads: the step, on what, and the kernel's word for why.</summary>
    public static Fault Of(LaunchStep step, int error, string text, string program)
    {
        string why = Marshal.GetPInvokeErrorMessage(error);
        string message = $"cannot launch {program}: {Name(step)}{(text.Length > 0 ? " " + text : string.Empty)}: {why}";
        FaultKind kind = error is Again or NoMemory or NoSpace ? FaultKind.Unavailable : FaultKind.Precondition;
        return new Fault(kind, message, hint: error == NotPermitted ? "the daemon needs the privilege for it, and the kernel must allow it" : null) { Reason = "LAUNCH_FAILED" };
    }

    private static string Name(LaunchStep step) => step switch
    {
        LaunchStep.Specification => "reading the specification",
        LaunchStep.Session => "making a session",
        LaunchStep.Bounds => "setting the resource limit",
        LaunchStep.Output => "opening the log",
        LaunchStep.Namespaces => "entering the namespaces",
        LaunchStep.Mounts => "mounting",
        LaunchStep.HostName => "setting the host name",
        LaunchStep.Cgroup => "entering the cgroup",
        LaunchStep.Groups => "taking the groups",
        LaunchStep.User => "becoming the user",
        LaunchStep.Privileges => "giving up new privileges",
        LaunchStep.Directory => "entering the directory",
        LaunchStep.Descriptors => "closing descriptors",
        LaunchStep.Program => "executing",
    };
}
