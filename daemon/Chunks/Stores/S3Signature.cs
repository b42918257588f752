using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Auraed.Chunks.Stores;

/// <summary>
/// AWS' Signature Version 4 of one request for one object, with its body's digest among what is signed (the Amazon S3 API reference, "Signature
/// calculations for the Authorization header: transferring payload in a single chunk"). Three methods on one object need this much and no more of AWS.
/// </summary>
internal static class S3Signature
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    // RFC 3986's unreserved characters; S3 encodes everything else of a key, but for its slashes.
    private const string Unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    /// <summary>Percent-encodes an object's key for the path.</summary>
    public static string Encode(string key)
    {
        var text = new StringBuilder(key.Length);
        foreach (var value in Encoding.UTF8.GetBytes(key))
        {
            _ = value == '/' || Unreserved.Contains((char)value) ? text.Append((char)value) : text.Append('%').Append(value.ToString("X2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    /// <summary>Adds x-amz-date, x-amz-content-sha256 and Authorization. The headers that are there are signed with them; the URL has no query.</summary>
    public static void Sign(HttpRequestMessage request, ReadOnlySpan<byte> body, S3Credentials credentials, string region, DateTimeOffset time)
    {
        var stamp = time.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var day = stamp[..8];
        var digest = Convert.ToHexStringLower(SHA256.HashData(body));
        request.Headers.Host = request.RequestUri!.IsDefaultPort ? request.RequestUri.Host : request.RequestUri.Authority;
        request.Headers.Add("x-amz-date", stamp);
        request.Headers.Add("x-amz-content-sha256", digest);
        if (credentials.SessionToken is { } token)
        {
            request.Headers.Add("x-amz-security-token", token);
        }

        var headers = request.Headers.Select(header => (Name: header.Key.ToLowerInvariant(), Value: string.Join(",", header.Value).Trim())).OrderBy(header => header.Name, StringComparer.Ordinal).ToArray();
        var names = string.Join(';', headers.Select(header => header.Name));
        var canonical = $"{request.Method}\n{request.RequestUri.AbsolutePath}\n\n{string.Concat(headers.Select(header => $"{header.Name}:{header.Value}\n"))}\n{names}\n{digest}";
        var scope = $"{day}/{region}/s3/aws4_request";
        var toSign = $"{Algorithm}\n{stamp}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";

        var key = Encoding.UTF8.GetBytes("AWS4" + credentials.Secret);
        foreach (var part in new[] { day, region, "s3", "aws4_request" })
        {
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        }

        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        request.Headers.TryAddWithoutValidation("Authorization", $"{Algorithm} Credential={credentials.KeyId}/{scope},SignedHeaders={names},Signature={signature}");
    }
}
