using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>The key that S3 requests are signed with. Shown by nothing.</summary>
public sealed class S3Credentials(string keyId, string secret, string? sessionToken)
{
    public string KeyId { get; } = keyId;

    public string? SessionToken { get; } = sessionToken;

    internal string Secret { get; } = secret;

    public override string ToString() => "credentials";

    /// <summary>
    /// One section of a file in the form of AWS' credentials: <c>[default]</c>, <c>aws_access_key_id = ...</c>, <c>aws_secret_access_key = ...</c>, and
    /// <c>aws_session_token = ...</c> where there is one. Fault(Invalid) names the field, never the content.
    /// </summary>
    public static S3Credentials Read(string file, string profile)
    {
        var isWanted = false;
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in StoreOptions.ReadFile(file, "credentials_file").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] is not ('#' or ';')))
        {
            if (line[0] == '[')
            {
                isWanted = line.Trim('[', ']', ' ') == profile;
            }
            else if (isWanted && line.IndexOf('=') is > 0 and var equals)
            {
                values[line[..equals].Trim()] = line[(equals + 1)..].Trim();
            }
        }

        return values.TryGetValue("aws_access_key_id", out var keyId) && values.TryGetValue("aws_secret_access_key", out var secret)
            && keyId.Length > 0 && !keyId.Any(character => char.IsControl(character) || character is ',' or '/' or ' ')
            ? new S3Credentials(keyId, secret, values.GetValueOrDefault("aws_session_token"))
            : throw Fault.Invalid("credentials_file", $"{file} has no aws_access_key_id and aws_secret_access_key under [{profile}]");
    }
}
