using System.Globalization;
using System.Text;
using Grpc.Net.Compression;

namespace Grpc.Core.Internal;

/// <summary>The small encodings of gRPC over HTTP/2: content type, grpc-timeout, grpc-message, binary metadata, encodings.</summary>
internal static class GrpcProtocol
{
    public const string ContentType = "application/grpc";
    public const string IdentityEncoding = "identity";

    private const string TimeoutUnits = "numSMH";
    private static readonly long[] UnitNanoseconds = [1, 1_000, 1_000_000, 1_000_000_000, 60_000_000_000, 3_600_000_000_000];

    public static bool IsGrpcContentType(string? contentType) =>
        contentType is not null &&
        contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase) &&
        (contentType.Length == ContentType.Length || contentType[ContentType.Length] is ';' or '+');

    /// <summary>1 to 8 digits and a unit. Rounded up to .NET's 100 ns.</summary>
    public static bool TryParseTimeout(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > 9 || TimeoutUnits.IndexOf(text[^1], StringComparison.Ordinal) is var unit && unit < 0)
            return false;
        if (!uint.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            return false;
        // 99,999,999 hours are beyond what a TimeSpan's ticks in nanoseconds could hold, so ticks are computed in 128 bits.
        timeout = new TimeSpan((long)(((Int128)value * UnitNanoseconds[unit] + 99) / 100));
        return true;
    }

    /// <summary>The finest unit whose value fits 8 digits, rounded up so that the server never gives up first for that reason.</summary>
    public static string FormatTimeout(TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero)
            return "1n";
        var nanoseconds = (Int128)timeout.Ticks * 100;
        for (var unit = 0; unit < TimeoutUnits.Length; unit++)
        {
            var value = (nanoseconds + UnitNanoseconds[unit] - 1) / UnitNanoseconds[unit];
            if (value <= 99_999_999)
                return ((long)value).ToString(CultureInfo.InvariantCulture) + TimeoutUnits[unit];
        }

        return "99999999H";
    }

    /// <summary>grpc-message: UTF-8 with all but printable ASCII, and %, as %XX.</summary>
    public static string PercentEncode(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~') && !text.Contains('%'))
            return text;
        var builder = new StringBuilder(text.Length * 2);
        foreach (var octet in Encoding.UTF8.GetBytes(text))
            if (octet is < 0x20 or > 0x7E or (byte)'%')
                builder.Append('%').Append(octet.ToString("X2", CultureInfo.InvariantCulture));
            else
                builder.Append((char)octet);
        return builder.ToString();
    }

    /// <summary>Never fails: what is no %XX stays as it is.</summary>
    public static string PercentDecode(string text)
    {
        if (!text.Contains('%'))
            return text;
        var octets = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '%' && i + 2 < text.Length && byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var octet))
            {
                octets.Add(octet);
                i += 2;
            }
            else
                octets.AddRange(Encoding.UTF8.GetBytes(text, i, 1));
        return Encoding.UTF8.GetString([.. octets]);
    }

    /// <summary>Adds a field to metadata. A binary field may hold several values between commas, each base64 with or without padding.</summary>
    public static bool TryAddField(Metadata metadata, string name, string value)
    {
        var key = name.ToLowerInvariant();
        foreach (var c in key)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
                return true;
        if (!Metadata.Entry.IsBinaryKey(key))
        {
            metadata.Add(key, value);
            return true;
        }

        foreach (var part in value.Split(','))
        {
            var base64 = part.Trim();
            if (base64.Length % 4 is var odd and > 0)
                base64 = base64.PadRight(base64.Length + 4 - odd, '=');
            var bytes = new byte[base64.Length / 4 * 3];
            if (!Convert.TryFromBase64String(base64, bytes, out var count))
                return false;
            metadata.Add(key, bytes[..count]);
        }

        return true;
    }

    /// <summary>The encodings by name; gzip is always among them.</summary>
    public static Dictionary<string, ICompressionProvider> Encodings(IEnumerable<ICompressionProvider>? providers)
    {
        var encodings = new Dictionary<string, ICompressionProvider>(StringComparer.Ordinal);
        foreach (var provider in providers ?? [])
            encodings[provider.EncodingName] = provider;
        encodings.TryAdd("gzip", new GzipCompressionProvider(System.IO.Compression.CompressionLevel.Fastest));
        return encodings;
    }

    public static string AcceptEncoding(Dictionary<string, ICompressionProvider> encodings) => IdentityEncoding + "," + string.Join(',', encodings.Keys);
}
