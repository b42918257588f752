using System.Text;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>What a store needs beyond its location. Secrets are named by file: they stand neither in a location nor in a command line.</summary>
public sealed record StoreOptions
{
    /// <summary>HTTPS and S3: certificates (PEM) of the authorities to trust; null for the public ones of the host.</summary>
    public string? AuthorityFile { get; init; }

    /// <summary>HTTP: a file whose line is sent as the Authorization header, as in <c>Bearer ...</c>; null for none.</summary>
    public string? AuthorizationFile { get; init; }

    /// <summary>S3: a file in the form of AWS' credentials; null for none, which reads what is public.</summary>
    public string? CredentialsFile { get; init; }

    /// <summary>S3: which section of that file.</summary>
    public string CredentialsProfile { get; init; } = "default";

    /// <summary>S3: the region that requests are signed for. Servers other than AWS mostly take any.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>S3: the bucket is the first part of the host's name, as AWS wants it, and not of the path.</summary>
    public bool IsBucketInHost { get; init; }

    /// <summary>SFTP: ssh's private key; null for what ssh's own configuration says.</summary>
    public string? IdentityFile { get; init; }

    /// <summary>SFTP: the host keys to accept; null for what ssh's own configuration says.</summary>
    public string? KnownHostsFile { get; init; }

    /// <summary>SFTP: ssh's configuration; null for its own places.</summary>
    public string? ConfigurationFile { get; init; }

    /// <summary>SFTP: the ssh to run.</summary>
    public string SshProgram { get; init; } = "ssh";

    /// <summary>The one line of a credential file. Fault(Invalid) names the field, never the content.</summary>
    internal static string ReadSecret(string file, string field)
    {
        var text = ReadFile(file, field).Trim();
        return text.Length > 0 && !text.Any(char.IsControl) ? text : throw Fault.Invalid(field, $"{field} {file} does not hold one line");
    }

    internal static string ReadFile(string file, string field)
    {
        try
        {
            return new FileInfo(file).Length <= Limits.CredentialFileBytesMax
                ? File.ReadAllText(file, Encoding.UTF8)
                : throw Fault.Invalid(field, $"{field} {file} has more than {Limits.CredentialFileBytesMax} bytes");
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Invalid, $"{field} {file} cannot be read: {cause.Message}", field, $"check it: ls -l {file}", cause);
        }
    }
}
