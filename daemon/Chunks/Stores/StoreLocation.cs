using System.Text.RegularExpressions;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>
/// Where a store is, parsed, with nothing in it that a program could take for an option or a server for a way out:
/// <code>
/// /srv/default.castr                             a directory
/// https://host[:port]/path                       casync's and desync's layout; http:// as well
/// sftp://[user@]host[:port]/path                 through ssh; /~/path is below the user's home
/// s3+https://host[:port]/bucket[/prefix]         desync's layout; s3+http:// as well
/// </code>
/// Credentials never stand in it: they would be shown wherever the location is.
/// </summary>
public sealed partial record StoreLocation
{
    private StoreLocation(StoreKind kind, string text, string path)
    {
        Kind = kind;
        Text = text;
        Path = path;
    }

    public StoreKind Kind { get; }

    /// <summary>The location as it is shown.</summary>
    public string Text { get; }

    /// <summary>Directory: its absolute path. SFTP: the path on the host. HTTP and S3: the URL's path without a slash at its end, percent-encoded.</summary>
    public string Path { get; }

    /// <summary>HTTP and S3: scheme, host and port. Null for the others.</summary>
    public Uri? Origin { get; private init; }

    /// <summary>SFTP: host name or address; empty for the others.</summary>
    public string Host { get; private init; } = "";

    /// <summary>SFTP: null for ssh's own choice.</summary>
    public int? Port { get; private init; }

    /// <summary>SFTP: null for ssh's own choice.</summary>
    public string? User { get; private init; }

    /// <summary>S3; empty for the others.</summary>
    public string Bucket { get; private init; } = "";

    /// <summary>S3: what keys begin with, without a slash at its end; empty for none.</summary>
    public string Prefix { get; private init; } = "";

    /// <summary>Fault(Invalid) names <paramref name="field"/>.</summary>
    public static StoreLocation Parse(string text, string field = "store")
    {
        if (text.Length is 0 or > Limits.StoreLocationCharactersMax || text.Any(char.IsControl))
        {
            throw Wrong(field, text, $"is empty, longer than {Limits.StoreLocationCharactersMax} characters, or has control characters");
        }

        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
        {
            return Directory(text, field);
        }

        if (text[..scheme] == "file")
        {
            if (!text.StartsWith("file:///", StringComparison.Ordinal))
            {
                throw Wrong(field, text, "names a host, which a file has not");
            }

            var path = Uri.UnescapeDataString(text[7..]);
            return path.Any(char.IsControl) ? throw Wrong(field, text, "has control characters") : Directory(path, field);
        }

        var kind = text[..scheme] switch
        {
            "http" or "https" => StoreKind.Http,
            "sftp" => StoreKind.Sftp,
            "s3+http" or "s3+https" => StoreKind.S3,
            _ => throw Wrong(field, text, "has a scheme that no store has"),
        };
        var address = kind == StoreKind.S3 ? text[3..] : text;
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
        {
            throw Wrong(field, text, "is not a URL");
        }

        // Uri resolves dots before it is asked: only the letters show that they were there.
        if (uri.Query.Length > 0 || uri.Fragment.Length > 0 || DotSegments().IsMatch(Uri.UnescapeDataString(address)))
        {
            throw Wrong(field, text, "has a query, a fragment or dots for a directory");
        }

        // What begins with two slashes is, relative to another URL, a host.
        if (kind is StoreKind.Http or StoreKind.S3 && uri.AbsolutePath.StartsWith("//", StringComparison.Ordinal))
        {
            throw Wrong(field, text, "has two slashes after its host");
        }

        return kind switch
        {
            StoreKind.Sftp => Sftp(text, uri, field),
            StoreKind.S3 => S3(text, WithoutUser(uri, text, field), field),
            _ => new StoreLocation(StoreKind.Http, text.TrimEnd('/'), uri.AbsolutePath.TrimEnd('/')) { Origin = Origins(WithoutUser(uri, text, field)) },
        };
    }

    public override string ToString() => Text;

    private static StoreLocation Directory(string path, string field)
    {
        if (path.Length == 0)
        {
            throw Wrong(field, path, "is empty");
        }

        var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        return new StoreLocation(StoreKind.Directory, full, full);
    }

    private static StoreLocation Sftp(string text, Uri uri, string field)
    {
        var host = uri.HostNameType == UriHostNameType.IPv6 ? uri.Host.Trim('[', ']') : uri.Host;
        var user = Uri.UnescapeDataString(uri.UserInfo);
        var path = Uri.UnescapeDataString(uri.AbsolutePath);
        if (user.Contains(':'))
        {
            throw Wrong(field, text, "holds a password; ssh takes keys");
        }

        if (uri.HostNameType == UriHostNameType.Unknown || !HostName().IsMatch(host))
        {
            throw Wrong(field, text, "has no host name that ssh could be given");
        }

        if (user.Length > 0 && !UserName().IsMatch(user))
        {
            throw Wrong(field, text, "has no user name that ssh could be given");
        }

        if (path.Any(char.IsControl) || path.TrimEnd('/').Length == 0)
        {
            throw Wrong(field, text, "has no path");
        }

        path = path.TrimEnd('/');
        return new StoreLocation(StoreKind.Sftp, text.TrimEnd('/'), path.StartsWith("/~/", StringComparison.Ordinal) ? path[3..] : path)
        {
            Host = host,
            Port = uri.IsDefaultPort ? null : uri.Port,
            User = user.Length == 0 ? null : user,
        };
    }

    private static StoreLocation S3(string text, Uri uri, string field)
    {
        var parts = Uri.UnescapeDataString(uri.AbsolutePath).Trim('/').Split('/', 2);
        if (!BucketName().IsMatch(parts[0]))
        {
            throw Wrong(field, text, "has no bucket");
        }

        return new StoreLocation(StoreKind.S3, text.TrimEnd('/'), uri.AbsolutePath.TrimEnd('/')) { Origin = Origins(uri), Bucket = parts[0], Prefix = parts.Length > 1 ? parts[1].TrimEnd('/') : "" };
    }

    private static Uri WithoutUser(Uri uri, string text, string field) =>
        uri.UserInfo.Length == 0 ? uri : throw Wrong(field, text, "holds credentials; they come from a file");

    private static Uri Origins(Uri uri) => new(uri.GetLeftPart(UriPartial.Authority));

    // What stands before the host may be a password: it is not shown.
    private static Fault Wrong(string field, string text, string why) => Fault.Invalid(
        field, $"{field} '{BeforeHost().Replace(text, "//")}' {why}", "a directory, https://host/path, sftp://user@host/path or s3+https://host/bucket/prefix");

    [GeneratedRegex("^[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}$", RegexOptions.CultureInvariant)]
    private static partial Regex HostName();

    [GeneratedRegex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex UserName();

    [GeneratedRegex("//[^/]*@", RegexOptions.CultureInvariant)]
    private static partial Regex BeforeHost();

    [GeneratedRegex("^[a-z0-9][a-zA-Z0-9._-]{1,62}$", RegexOptions.CultureInvariant)]
    private static partial Regex BucketName();

    [GeneratedRegex(@"(^|[/\\])\.{1,2}([/\\]|$)", RegexOptions.CultureInvariant)]
    private static partial Regex DotSegments();
}

/// <summary>What kind of place a store is.</summary>
public enum StoreKind
{
    Directory,
    Http,
    Sftp,
    S3,
}
