using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>
/// HTTP to one origin, for stores: bounded in time and size, with the errors sorted by whose they are. Nothing is decompressed, no cookie is kept. The process
/// knows no public authority (<c>Native/SystemRoots</c>), so the trusted ones are read from a file.
/// </summary>
internal sealed class HttpTransport : IDisposable
{
    /// <summary>Where distributions keep the public authorities, for a store that names no file of its own.</summary>
    private static readonly string[] Bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

    private readonly HttpClient _client;
    private readonly string _name;
    private readonly TimeProvider _clock;
    private readonly Func<HttpRequestMessage, CancellationToken, ValueTask> _prepare;

    /// <param name="prepare">Runs before each request is sent: adds what authorizes it.</param>
    public HttpTransport(string name, bool isEncrypted, StoreOptions options, bool followsRedirects, TimeProvider clock, Func<HttpRequestMessage, CancellationToken, ValueTask> prepare)
    {
        _name = name;
        _clock = clock;
        _prepare = prepare;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = followsRedirects,
            MaxAutomaticRedirections = Limits.StoreRedirectsMax,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            ConnectTimeout = Limits.StoreConnectMax,
            MaxConnectionsPerServer = Limits.StoreFetchesMax,
            EnableMultipleHttp2Connections = true,
            MaxResponseHeadersLength = 64,
        };
        if (isEncrypted || followsRedirects)
        {
            handler.SslOptions.CertificateChainPolicy = Trust(options.AuthorityFile, isEncrypted);
        }

        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
    }

    public void Dispose() => _client.Dispose();

    /// <summary>Sends, and hands the answer's head and body to <paramref name="take"/> within the time that one answer may take.</summary>
    public async Task<T> SendAsync<T>(string what, Func<HttpRequestMessage> make, TimeSpan timeMax, Func<HttpResponseMessage, CancellationToken, Task<T>> take, CancellationToken cancel)
    {
        using var deadline = new CancellationTokenSource(timeMax, _clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, deadline.Token);
        try
        {
            using var request = make();
            await _prepare(request, both.Token);
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            return await take(response, both.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new Fault(FaultKind.Unavailable, $"{_name} did not answer within {timeMax.TotalSeconds:0} s: {what}");
        }
        catch (HttpRequestException cause)
        {
            throw FaultOf(what, cause);
        }
        catch (IOException cause)
        {
            throw new Fault(FaultKind.Unavailable, $"{_name} broke off: {what}: {cause.Message}", cause: cause);
        }
    }

    /// <summary>The body; at most as long as the target. Returns its bytes.</summary>
    public async Task<int> ReadBodyAsync(string what, HttpResponseMessage response, Memory<byte> target, CancellationToken cancel)
    {
        if (response.Content.Headers.ContentLength > target.Length)
        {
            throw TooLong(what, target.Length);
        }

        await using var body = await response.Content.ReadAsStreamAsync(cancel);
        var count = await body.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancel);
        return count == target.Length && await body.ReadAsync(new byte[1], cancel) > 0 ? throw TooLong(what, target.Length) : count;
    }

    /// <summary>A body whose length is not known before; null when it is over the limit.</summary>
    public async Task<byte[]> ReadBodyAsync(string what, HttpResponseMessage response, int bytesMax, CancellationToken cancel)
    {
        if (response.Content.Headers.ContentLength > bytesMax)
        {
            throw TooLong(what, bytesMax);
        }

        using var bytes = new MemoryStream();
        await using var body = await response.Content.ReadAsStreamAsync(cancel);
        var block = new byte[64 * 1024];
        for (var count = await body.ReadAsync(block, cancel); count > 0; count = await body.ReadAsync(block, cancel))
        {
            if (bytes.Length + count > bytesMax)
            {
                throw TooLong(what, bytesMax);
            }

            bytes.Write(block, 0, count);
        }

        return bytes.ToArray();
    }

    /// <summary>What a status that is no success means.</summary>
    public Fault FaultOf(string what, HttpResponseMessage response)
    {
        var status = $"{(int)response.StatusCode} {response.ReasonPhrase}".Trim();
        var retryAfter = response.Headers.RetryAfter?.Delta;
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.ProxyAuthenticationRequired =>
                new Fault(FaultKind.Denied, $"{_name} answered {status}: {what}", hint: "check the credentials file of the store"),
            HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError and not HttpStatusCode.NotImplemented =>
                new Fault(FaultKind.Unavailable, $"{_name} answered {status}: {what}") { RetryAfter = retryAfter },
            _ => new Fault(FaultKind.Precondition, $"{_name} answered {status}: {what}", hint: "check the store's location, and that it may be written to"),
        };
    }

    private Fault TooLong(string what, int bytesMax) => new(FaultKind.Corrupt, $"{_name} answered more than {bytesMax} bytes: {what}");

    private Fault FaultOf(string what, HttpRequestException cause) => cause.InnerException switch
    {
        AuthenticationException => new Fault(
            FaultKind.Precondition, $"{_name} is not to be trusted: {cause.InnerException.Message}", hint: "name the file of the authority that signed its certificate", cause: cause),
        SocketException { SocketErrorCode: SocketError.HostNotFound } => new Fault(FaultKind.Precondition, $"{_name}: no such host", hint: "check the store's location", cause: cause),
        _ => new Fault(FaultKind.Unavailable, $"{_name} cannot be reached: {what}: {cause.InnerException?.Message ?? cause.Message}", cause: cause),
    };

    private static X509ChainPolicy Trust(string? authorityFile, bool isNeeded)
    {
        var file = authorityFile ?? Bundles.FirstOrDefault(File.Exists);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            if (file is not null)
            {
                policy.CustomTrustStore.ImportFromPemFile(file);
            }
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new Fault(FaultKind.Invalid, $"authorities cannot be read from {file}: {cause.Message}", "authority_file", "a file of certificates in PEM", cause);
        }

        return policy.CustomTrustStore.Count > 0 || (!isNeeded && authorityFile is null)
            ? policy
            : throw new Fault(FaultKind.Invalid, $"no authority is known that a server could be trusted by: {file ?? "no file"} has none", "authority_file", "apt-get install ca-certificates, or name a file");
    }
}
