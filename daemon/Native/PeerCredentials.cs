using System.Buffers.Binary;
using System.Net.Sockets;

namespace Auraed.Native;

/// <summary>Who is at the other end of a Unix socket, as the kernel noted when it connected (SO_PEERCRED).</summary>
public readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId)
{
    private const int SocketLevel = 1;
    private const int PeerCredentialsOption = 17;

    public static PeerCredentials Of(Socket socket)
    {
        Span<byte> value = stackalloc byte[12];
        socket.GetRawSocketOption(SocketLevel, PeerCredentialsOption, value);
        return new PeerCredentials(
            BinaryPrimitives.ReadInt32LittleEndian(value),
            BinaryPrimitives.ReadUInt32LittleEndian(value[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(value[8..]));
    }
}
