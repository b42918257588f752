using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Auraed.Tests.Support;

namespace Auraed.Tests.EndToEnd;

/// <summary>What the command line says of a connection that ends before an answer: before the server's first word its certificate was refused, after it the connection was lost.</summary>
public sealed class CutConnectionTests : IDisposable
{
    private const int Unauthenticated = 10;
    private const int Unavailable = 13;
    private static readonly byte[] Settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    private static readonly byte[] SettingsTaken = [0, 0, 0, 4, 1, 0, 0, 0, 0];

    private readonly BinaryHost _host = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>How the server ends a connection once the handshake is over on its side.</summary>
    public enum Ending
    {
        /// <summary>An alert and the end of what it sends, and what the client sends is still taken.</summary>
        Shutdown,

        /// <summary>The client's first bytes are left unread.</summary>
        Closed,

        /// <summary>The same, after the client has had the time to send all it has.</summary>
        ClosedLater,

        /// <summary>No bytes at all come from the server after its part of the handshake.</summary>
        Silent,
    }

    public CutConnectionTests()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_host.Fixture.SocketPath)!);
        _listener.Bind(new UnixDomainSocketEndPoint(_host.Fixture.SocketPath));
        _listener.Listen();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _end.Dispose();
        _host.Dispose();
    }

    [Theory]
    [InlineData(Ending.Shutdown)]
    [InlineData(Ending.Closed)]
    [InlineData(Ending.ClosedLater)]
    [InlineData(Ending.Silent)]
    public async Task A_connection_that_ends_before_the_server_has_said_a_word_is_a_certificate_refused(Ending ending)
    {
        var serving = ServeAsync(ending, []);

        var run = _host.Run("discover");

        Assert.Equal(Unauthenticated, run.Code);
        Assert.Contains("most likely it does not accept the certificate", run.Error, StringComparison.Ordinal);
        await EndAsync(serving);
    }

    [Theory]
    [InlineData(Ending.Shutdown)]
    [InlineData(Ending.Closed)]
    [InlineData(Ending.ClosedLater)]
    [InlineData(Ending.Silent)]
    public async Task A_connection_that_ends_later_was_lost(Ending ending)
    {
        var serving = ServeAsync(ending, Settings);

        var run = _host.Run("discover");

        Assert.Equal(Unavailable, run.Code);
        Assert.Contains("was lost before the answer came", run.Error, StringComparison.Ordinal);
        await EndAsync(serving);
    }

    private async Task EndAsync(Task serving)
    {
        await _end.CancelAsync();
        await serving;
    }

    private async Task ServeAsync(Ending ending, byte[] word)
    {
        using var certificate = X509Certificate2.CreateFromPemFile(_host.Fixture.Pki.ServerCertificate, _host.Fixture.Pki.ServerKey);
        try
        {
            while (true)
            {
                using var socket = await _listener.AcceptAsync(_end.Token);
                await AnswerAsync(socket, certificate, ending, word);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(Socket socket, X509Certificate2 certificate, Ending ending, byte[] word)
    {
        await using var stream = new NetworkStream(socket);
        await using var tls = new SslStream(stream);
        try
        {
            var options = new SslServerAuthenticationOptions
            {
                ServerCertificate = certificate,
                ClientCertificateRequired = true,
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
            };
            await tls.AuthenticateAsServerAsync(options, _end.Token);
            await tls.WriteAsync(word, _end.Token);
            if (word.Length > 0)
            {
                await ReadToAsync(tls, SettingsTaken);
            }

            switch (ending)
            {
                case Ending.Shutdown:
                    await tls.ShutdownAsync();
                    await tls.CopyToAsync(Stream.Null, _end.Token);
                    break;
                case Ending.ClosedLater:
                    await Task.Delay(TimeSpan.FromMilliseconds(100), _end.Token);
                    break;
                case Ending.Silent:
                    socket.Shutdown(SocketShutdown.Both);
                    break;
                default:
                    break;
            }
        }
        catch (IOException)
        {
            // Whoever only looks whether somebody listens goes away in the handshake.
        }
    }

    /// <summary>Reads until <paramref name="end"/> has come.</summary>
    private async Task ReadToAsync(Stream stream, byte[] end)
    {
        var read = new byte[4096];
        var count = 0;
        while (read.AsSpan(0, count).IndexOf(end) < 0)
        {
            var more = await stream.ReadAsync(read.AsMemory(count), _end.Token);
            Assert.NotEqual(0, more);
            count += more;
        }
    }
}
