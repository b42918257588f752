using Auraed.Base;

namespace Auraed.Cli.Assets;

/// <summary>What is said of a transfer that was cut off because an end of it went away: what is kept, and that the same command goes on.</summary>
internal static class CutOff
{
    /// <summary>True when the daemon, or a store on the way, went away under the transfer.</summary>
    public static bool Is(Fault fault) => fault.Kind == FaultKind.Unavailable;

    /// <param name="kept">A clause that says what of the work stands.</param>
    /// <param name="again">What the same command does, run once more.</param>
    public static Fault Explain(Fault fault, string kept, string again = "goes on where this one stopped")
    {
        var hint = $"the same command again {again}";
        return new Fault(fault.Kind, $"{fault.Message}; {kept}", fault.Field, fault.Hint is null ? hint : $"{fault.Hint}; then {hint}", fault)
        {
            Reason = fault.Reason,
            RetryAfter = fault.RetryAfter,
        };
    }
}
