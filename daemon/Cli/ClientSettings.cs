using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Auraed.Base;
using Auraed.Config;

namespace Auraed.Cli;

/// <summary>A client configuration that was read: whom to call and how to prove who calls. Upstream's format and search order.</summary>
internal sealed record ClientSettings(string Source, string Socket, string? CaCertificate, string? ClientCertificate, string? ClientKey)
{
    private static readonly string[] Known = ["auth.ca_crt", "auth.client_crt", "auth.client_key", "system.socket"];

    /// <summary>False for a configuration without [auth]: a plain socket that asks the kernel who calls.</summary>
    public bool IsSecure => CaCertificate is not null;

    /// <summary>--client-config, else the first file of the search path that can be read; each one that cannot is a warning, as upstream's.</summary>
    public static ClientSettings Find(Invocation invocation)
    {
        var socket = invocation.Value(GlobalOptions.Socket);
        if (invocation.Value(GlobalOptions.ClientConfig) is { } chosen)
        {
            return Read(chosen, socket, DefaultSocket(invocation));
        }

        var places = invocation.ClientConfigs;
        foreach (var path in places)
        {
            if (!File.Exists(path))
            {
                continue;
            }

            try
            {
                return Read(path, socket, DefaultSocket(invocation));
            }
            catch (Fault fault) when (places.Count > 1)
            {
                invocation.Warn(fault.Message);
            }
        }

        if (places.FirstOrDefault(Aurae.Pki.PkiCheck.IsHidden) is { } hidden)
        {
            throw new Fault(FaultKind.Denied, $"no client configuration can be read: permission denied for {hidden}", hint: "run it as root or as the owner, or name one with --client-config FILE");
        }

        throw new Fault(FaultKind.NotFound, $"no client configuration is there: looked at {string.Join(", ", places)}",
            hint: $"auraed init{invocation.RootFlag}, or name one with --client-config FILE");
    }

    /// <summary>The socket of a configuration that names none.</summary>
    private static string DefaultSocket(Invocation invocation) => Path.Combine(invocation.Layout.RuntimeDirectory, "aurae.sock");

    public static ClientSettings Read(string path, string? socket, string socketDefault)
    {
        var values = Values(path);
        string? At(string key) => values.GetValueOrDefault(key);
        var (authority, certificate, privateKey) = (At("auth.ca_crt"), At("auth.client_crt"), At("auth.client_key"));
        if ((authority is null) != (certificate is null) || (authority is null) != (privateKey is null))
        {
            throw new Fault(FaultKind.Invalid, $"{path}: [auth] needs ca_crt, client_crt and client_key, or none of them for a plain socket", "auth", $"see {path}");
        }

        return new ClientSettings(path, socket ?? At("system.socket") ?? socketDefault, authority, certificate, privateKey);
    }

    /// <summary>The authority and the client's certificate with its key. <see cref="Fault"/> names the file that cannot be read.</summary>
    public (X509Certificate2 Authority, X509Certificate2 Identity) LoadCertificates()
    {
        var authority = Load(CaCertificate!, text => X509Certificate2.CreateFromPem(text));
        var identity = Load(ClientKey!, key => Load(ClientCertificate!, certificate => X509Certificate2.CreateFromPem(certificate, key)));
        return (authority, identity);
    }

    private static Dictionary<string, string> Values(string path)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in Toml.Parse(Contents(path), path).Leaves())
        {
            if (!Known.Contains(key))
            {
                throw new Fault(FaultKind.Invalid, $"{path}:{value.Position.Line}: there is no setting {key}", key, $"the settings are {string.Join(", ", Known)}");
            }

            values[key] = value.Kind == TomlKind.Text
                ? value.Text
                : throw new Fault(FaultKind.Invalid, $"{path}:{value.Position.Line}: {key} is a text in quotes", key);
        }

        return values;
    }

    private T Load<T>(string path, Func<string, T> parse)
    {
        try
        {
            return parse(Contents(path));
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new Fault(FaultKind.Invalid, $"{path} (named by {Source}) cannot be used: {error.Message}", hint: "auraed pki check", cause: error);
        }
    }

    private static string Contents(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new Fault(FaultKind.Denied, $"cannot read {path}: permission denied", hint: $"run it as the owner of {path}, or make a certificate for this user: auraed pki client NAME", cause: error);
        }
        catch (IOException error)
        {
            throw new Fault(FaultKind.NotFound, $"cannot read {path}: {error.Message}", hint: "auraed pki check", cause: error);
        }
    }
}
