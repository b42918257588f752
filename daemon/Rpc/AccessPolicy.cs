using Auraed.Base;

namespace Auraed.Rpc;

/// <summary>Who may do what. A certificate of the authority may do everything; so may root and the daemon's own user, as the kernel names them.</summary>
/// <param name="ownUserId">The effective user id of the daemon.</param>
public sealed class AccessPolicy(uint ownUserId)
{
    /// <summary>Decides before a call, and for a user already when the connection is made.</summary>
    public bool IsKnown(Principal principal) => principal.Kind switch
    {
        PrincipalKind.Certificate => true,
        PrincipalKind.User => principal.UserId == 0 || principal.UserId == ownUserId,
    };

    /// <summary>Fault(Denied) or Fault(Unauthenticated) when the call may not be made.</summary>
    public void Check(Principal? principal, string method)
    {
        if (principal is null)
        {
            throw new Fault(FaultKind.Unauthenticated, $"{method}: the caller is not known", hint: "connect with a client certificate of the host's authority");
        }

        if (!AccessTable.All.ContainsKey(method) || !IsKnown(principal))
        {
            throw new Fault(FaultKind.Denied, $"{method}: {principal.Name} may not call it");
        }
    }
}
