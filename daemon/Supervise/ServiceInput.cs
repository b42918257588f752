namespace Auraed.Supervise;

public enum ServiceInputKind
{
    Start,
    Stop,
    Restart,
    Launched,
    LaunchFailed,
    Ready,
    Probe,
    Exited,
    Tick,
    Recover,
    Adopted,
    Dependencies,
}

/// <summary>What happens to a service. Those with an instance are ignored when it is not the open one: they come late.</summary>
public readonly record struct ServiceInput
{
    private ServiceInput(ServiceInputKind kind, long instance = 0, bool flag = false, ExitStatus exit = default, string detail = "")
    {
        Kind = kind;
        Instance = instance;
        Flag = flag;
        Exit = exit;
        Detail = detail;
    }

    public ServiceInputKind Kind { get; }

    public long Instance { get; }

    internal bool Flag { get; }

    internal ExitStatus Exit { get; }

    internal string Detail { get; }

    /// <summary>Somebody asks for it to run: counts start anew, and what was given up is tried again. Running, it is left alone.</summary>
    public static ServiceInput Start { get; } = new(ServiceInputKind.Start);

    /// <summary>Somebody asks for it to be down.</summary>
    public static ServiceInput Stop { get; } = new(ServiceInputKind.Stop);

    /// <summary>Somebody asks for a new instance; with counts anew, without delay.</summary>
    public static ServiceInput Restart { get; } = new(ServiceInputKind.Restart);

    /// <summary>Time has passed; harmless at any time.</summary>
    public static ServiceInput Tick { get; } = new(ServiceInputKind.Tick);

    /// <summary>The instance executes its program.</summary>
    public static ServiceInput Launched(long instance) => new(ServiceInputKind.Launched, instance);

    /// <summary>The instance could not be launched, and nothing of it is left.</summary>
    public static ServiceInput LaunchFailed(long instance, string why) => new(ServiceInputKind.LaunchFailed, instance, detail: why);

    /// <summary>The instance says itself that it is ready.</summary>
    public static ServiceInput Ready(long instance) => new(ServiceInputKind.Ready, instance);

    public static ServiceInput Probe(long instance, bool isSuccess, string why = "") => new(ServiceInputKind.Probe, instance, isSuccess, detail: why);

    /// <summary>The instance has ended; also the answer to an adoption that found it gone.</summary>
    /// <param name="instance">Its number.</param>
    /// <param name="status">How.</param>
    /// <param name="why">What is known beyond the status; empty for nothing.</param>
    public static ServiceInput Exited(long instance, ExitStatus status, string why = "") => new(ServiceInputKind.Exited, instance, exit: status, detail: why);

    /// <summary>The same end, and what more is known of why.</summary>
    public ServiceInput Because(string why) => Kind == ServiceInputKind.Exited ? Exited(Instance, Exit, why) : this;

    /// <summary>
    /// The daemon has just started. After a reboot (<paramref name="isRebooted"/>) nothing of before lives, and <paramref name="isWanted"/> says what is to run;
    /// within one boot what was wanted stays so.
    /// </summary>
    public static ServiceInput Recover(bool isRebooted, bool isWanted) => new(ServiceInputKind.Recover, instance: isWanted ? 1 : 0, flag: isRebooted);

    /// <summary>The instance was found alive; <see cref="Launched"/> is not told again.</summary>
    public static ServiceInput Adopted(long instance) => new(ServiceInputKind.Adopted, instance);

    /// <summary>Whether all that it depends on is ready; <paramref name="missing"/> names what is not.</summary>
    public static ServiceInput Dependencies(bool isMet, string missing = "") => new(ServiceInputKind.Dependencies, flag: isMet, detail: missing);
}

public enum ServiceOutputKind
{
    /// <summary>Launch the instance. The state is kept before this is carried out: an instance that is not on record is not launched.</summary>
    Launch,
    /// <summary>Send the signal to the instance's main process; a launch under way is abandoned.</summary>
    Signal,
    /// <summary>End every process of the instance; a launch under way is abandoned.</summary>
    Kill,
    /// <summary>Find the instance by what is on record: answer Adopted or Exited.</summary>
    Adopt,
    /// <summary>Phase, cause or health have changed: worth an event.</summary>
    Changed,
}

/// <summary>What is to be done. Launch is answered by Launched or LaunchFailed, and every instance at last by Exited or LaunchFailed.</summary>
public readonly record struct ServiceOutput(ServiceOutputKind Kind, long Instance, int Signal = 0);
