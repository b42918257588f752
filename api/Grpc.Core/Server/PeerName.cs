using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Who is at the other end, in the forms of gRPC.</summary>
internal static class PeerName
{
    private const string CommonName = "x509_common_name";
    private const string AlternativeName = "x509_subject_alternative_name";

    /// <summary>ipv4:address:port or ipv6:[address]:port; a Unix socket's peer has no name.</summary>
    public static string Of(ConnectionInfo connection) => connection.RemoteIpAddress switch
    {
        null => "unknown",
        { AddressFamily: AddressFamily.InterNetwork } address => $"ipv4:{address}:{connection.RemotePort}",
        var address => $"ipv6:[{address}]:{connection.RemotePort}",
    };

    public static AuthContext AuthContextOf(X509Certificate2? certificate)
    {
        var properties = new Dictionary<string, List<AuthProperty>>(StringComparer.Ordinal);
        if (certificate is null)
            return new AuthContext(null, properties);
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(extension => extension.EnumerateDnsNames()).ToList();
        foreach (var name in names)
            Add(properties, AlternativeName, name);
        if (certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) is { Length: > 0 } common)
            Add(properties, CommonName, common);
        return new AuthContext(names.Count > 0 ? AlternativeName : properties.ContainsKey(CommonName) ? CommonName : null, properties);
    }

    private static void Add(Dictionary<string, List<AuthProperty>> properties, string name, string value)
    {
        if (!properties.TryGetValue(name, out var list))
            properties[name] = list = [];
        list.Add(AuthProperty.Create(name, Encoding.UTF8.GetBytes(value)));
    }
}
