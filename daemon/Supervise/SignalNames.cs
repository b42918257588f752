namespace Auraed.Supervise;

/// <summary>The names of Linux' signals on x86-64 and arm64 (signal(7)).</summary>
public static class SignalNames
{
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;

    private static readonly string[] Names =
    [
        "", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM",
        "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR",
        "SIGSYS",
    ];

    public static string Of(int signal) => signal > 0 && signal < Names.Length ? Names[signal] : $"signal {signal}";

    /// <summary>With or without SIG, in any case: <c>TERM</c>, <c>sigterm</c>, <c>SIGTERM</c>; not a number, whose meaning differs between machines.</summary>
    public static bool TryParse(string text, out int signal)
    {
        string name = text.StartsWith("SIG", StringComparison.OrdinalIgnoreCase) ? text : "SIG" + text;
        signal = text.Length == 0 ? -1 : Array.FindIndex(Names, known => known.Equals(name, StringComparison.OrdinalIgnoreCase));
        return signal > 0;
    }
}
