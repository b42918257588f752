using Aurae.Pki;
using Auraed.Native;

namespace Auraed.Cli;

/// <summary>The system calls that the certificate library asks for, from Native.</summary>
internal static class HostPki
{
    public static readonly PkiPlatform Platform = new(DurableFiles.SyncDirectory, FileOwner.Of, FileOwner.EffectiveUserId());
}
