namespace Auraed.Base;

/// <summary>How a caller proved who it is.</summary>
public enum PrincipalKind
{
    /// <summary>A client certificate of the authority.</summary>
    Certificate,
    /// <summary>The kernel's word on a Unix socket.</summary>
    User,
}

/// <summary>Who calls. Made once per connection.</summary>
/// <param name="Kind">How it is known.</param>
/// <param name="Name">The certificate's common name, or <c>uid:N</c>.</param>
/// <param name="Fingerprint">SHA-256 of the certificate in lower-case hex; empty for a user.</param>
/// <param name="UserId">The user id; 0 for a certificate.</param>
public sealed record Principal(PrincipalKind Kind, string Name, string Fingerprint, uint UserId)
{
    public static Principal OfCertificate(string commonName, string fingerprint) => new(PrincipalKind.Certificate, commonName, fingerprint, 0);

    public static Principal OfUser(uint id) => new(PrincipalKind.User, $"uid:{id}", "", id);

    /// <summary>The form of logs and events: the name, and for a certificate the start of its fingerprint.</summary>
    public override string ToString() => Kind == PrincipalKind.Certificate ? $"{Name}#{Fingerprint.AsSpan(0, Math.Min(12, Fingerprint.Length))}" : Name;
}
