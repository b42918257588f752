using System.Globalization;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Host;

/// <summary>
/// The listening sockets that a service manager opened for the daemon (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES). One named <c>plaintext</c> is served
/// without TLS to root and the daemon's own user, every other one with TLS.
/// </summary>
/// <param name="Descriptor">Its number in this process.</param>
/// <param name="IsPlaintext">By its name.</param>
internal readonly record struct InheritedSocket(int Descriptor, bool IsPlaintext);

internal static class InheritedSockets
{
    private const int First = 3;

    /// <summary>Empty when there are none, or when they are meant for another process.</summary>
    public static IReadOnlyList<InheritedSocket> Take(IReadOnlyDictionary<string, string> environment)
    {
        if (environment.GetValueOrDefault("LISTEN_PID") != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)
            || !int.TryParse(environment.GetValueOrDefault("LISTEN_FDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return [];
        }

        if (count > Limits.InheritedSocketCountMax)
        {
            throw new Fault(FaultKind.Invalid, $"LISTEN_FDS={count}: at most {Limits.InheritedSocketCountMax} sockets are taken");
        }

        var names = (environment.GetValueOrDefault("LISTEN_FDNAMES") ?? "").Split(':');
        var sockets = new List<InheritedSocket>();
        for (var index = 0; index < count; index++)
        {
            if (!ProcessGuards.TryCloseOnExec(First + index))
            {
                throw new Fault(FaultKind.Invalid, $"LISTEN_FDS={count}, but descriptor {First + index} is not open", hint: "check the socket unit");
            }

            sockets.Add(new InheritedSocket(First + index, index < names.Length && names[index] == "plaintext"));
        }

        return sockets;
    }
}
