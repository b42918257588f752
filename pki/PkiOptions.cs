namespace Aurae.Pki;

/// <summary>What kind of key is made. Existing keys of either kind are read whatever is chosen here.</summary>
public enum KeyKind
{
    /// <summary>RSA 4096 as upstream; seconds per key. The authority has 4096 bits too: upstream's 2048 is too short for a certificate that lives 27 years.</summary>
    Rsa,
    /// <summary>ECDSA on P-256: milliseconds per key, smaller handshakes.</summary>
    Ec,
}

/// <summary>What the operating system does for this library and .NET has no call for.</summary>
/// <param name="SyncDirectory">Makes the entries of a directory durable.</param>
/// <param name="OwnerOf">The user id that owns a file or directory.</param>
/// <param name="UserId">The effective user id of this process.</param>
public sealed record PkiPlatform(Action<string> SyncDirectory, Func<string, uint> OwnerOf, uint UserId);

public sealed record PkiOptions(PkiPlatform Platform)
{
    public KeyKind Kind { get; init; } = KeyKind.Rsa;

    /// <summary>How long a certificate is valid from now; upstream's 9999 days. A signed one never outlives its authority.</summary>
    public TimeSpan Validity { get; init; } = TimeSpan.FromDays(9999);

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Told before each key is made, because that takes seconds; null tells nobody.</summary>
    public Action<string>? Progress { get; init; }
}

/// <summary>What was done with one file.</summary>
/// <param name="Path">The file.</param>
/// <param name="Created">False when it was there already and was left as it is.</param>
public readonly record struct PkiStep(string Path, bool Created);
