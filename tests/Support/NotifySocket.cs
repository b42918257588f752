using System.Net.Sockets;
using System.Text;

namespace Auraed.Tests.Support;

/// <summary>The service manager's end of the notify protocol.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly byte[] _buffer = new byte[4096];

    public NotifySocket(string path)
    {
        Path = path;
        _socket.Bind(new UnixDomainSocketEndPoint(path));
    }

    public string Path { get; }

    /// <summary>The next datagram that begins so; those before it are passed over.</summary>
    public async Task<string> HearAsync(string beginning)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            var length = await _socket.ReceiveAsync(_buffer, SocketFlags.None, patience.Token);
            if (Encoding.UTF8.GetString(_buffer, 0, length) is var said && said.StartsWith(beginning, StringComparison.Ordinal))
            {
                return said;
            }
        }
    }

    /// <summary>Forgets what was said so far.</summary>
    public void Flush()
    {
        while (_socket.Available > 0)
        {
            _socket.Receive(_buffer);
        }
    }

    public bool IsSilent => _socket.Available == 0;

    public void Dispose() => _socket.Dispose();
}
