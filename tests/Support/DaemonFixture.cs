using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Aurae.Pki;
using Auraed.Config;
using Auraed.Host;
using Grpc.Net.Client;

namespace Auraed.Tests.Support;

/// <summary>A root of its own with certificates, and daemons on it inside this process, over real sockets.</summary>
internal sealed class DaemonFixture : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public DaemonFixture() => Pki = PkiFixture.Make(_directory["pki"]);

    public PkiLayout Pki { get; }

    public LogStream Log { get; } = new();

    public string Root => _directory.Path;

    public string SocketPath => _directory["run/aurae.sock"];

    public string this[string name] => _directory[name];

    public Settings Settings(params (string Key, string Value)[] flags) => SettingsLoader.Load(
        InNamedDurability(flags.ToDictionary(flag => flag.Key, flag => flag.Value)), new Dictionary<string, string>(), null, _directory.Path);

    /// <summary>Adds the durability that <c>DURABILITY=</c> names, as <see cref="StoreFixture"/> has it, unless the flags say one.</summary>
    public static Dictionary<string, string> InNamedDurability(Dictionary<string, string> flags)
    {
        if (Environment.GetEnvironmentVariable("DURABILITY") is { Length: > 0 } named)
        {
            _ = flags.TryAdd("store.durability", named);
        }

        return flags;
    }

    public Task<DaemonHost> StartAsync(params (string Key, string Value)[] flags) =>
        DaemonHost.StartAsync(Settings(flags), new Dictionary<string, string>(), Log, TimeProvider.System, default);

    public Task<DaemonHost> StartAsync(TimeProvider time) => DaemonHost.StartAsync(Settings(), new Dictionary<string, string>(), Log, time, default);

    public X509Certificate2 ClientCertificate() => FromPem(Pki.ClientCertificate(ClientName.Default), Pki.ClientKey(ClientName.Default));

    public GrpcChannel Open() => Open(ClientCertificate());

    /// <summary>A client with TLS; null shows no certificate.</summary>
    /// <param name="certificate">The client's.</param>
    /// <param name="socket">Of another daemon with this fixture's certificates; null for the fixture's own.</param>
    public GrpcChannel Open(X509Certificate2? certificate, string? socket = null)
    {
        var authority = X509Certificate2.CreateFromPem(File.ReadAllText(Pki.CaCertificate));
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(authority);
        var tls = new SslClientAuthenticationOptions
        {
            TargetHost = PkiLayout.ServerName,
            CertificateChainPolicy = policy,
            ClientCertificates = certificate is null ? null : [certificate],
        };
        var handler = new SocketsHttpHandler
        {
            SslOptions = tls,
            ConnectCallback = async (_, cancel) => new NetworkStream(await UnixSocketChannel.ConnectAsync(socket ?? SocketPath, cancel), ownsSocket: true),
        };
        return GrpcChannel.ForAddress("https://" + PkiLayout.ServerName, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    public static X509Certificate2 FromPem(string certificate, string key)
    {
        using var pem = X509Certificate2.CreateFromPemFile(certificate, key);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }

    public void Dispose() => _directory.Dispose();
}

/// <summary>What a daemon has logged so far.</summary>
internal sealed class LogStream : MemoryStream
{
    private readonly Lock _lock = new();

    public string Text
    {
        get
        {
            lock (_lock)
            {
                return Encoding.UTF8.GetString(ToArray());
            }
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        lock (_lock)
        {
            base.Write(buffer.ToArray(), 0, buffer.Length);
        }
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        lock (_lock)
        {
            base.Write(buffer, offset, count);
        }
    }
}
