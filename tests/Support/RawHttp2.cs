using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Auraed.Tests.Support;

/// <summary>
/// An HTTP/2 connection that sends what it is told, right or wrong. It announces a header table of size 0, so that the server's header
/// blocks need no state; Kestrel writes them without Huffman coding.
/// </summary>
public sealed class RawHttp2 : IDisposable
{
    public const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7;
    public const byte EndStream = 1, EndHeaders = 4, Acknowledgement = 1;

    private static readonly byte[] Preface = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    private readonly Socket _socket;
    private readonly NetworkStream _stream;

    private RawHttp2(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket);
    }

    public static async Task<RawHttp2> ConnectAsync(string path) => new(await UnixSocketChannel.ConnectAsync(path));

    /// <summary>Connected and past the settings.</summary>
    public static async Task<RawHttp2> OpenAsync(string path)
    {
        var connection = await ConnectAsync(path);
        await connection.SendAsync(Preface);
        // SETTINGS_HEADER_TABLE_SIZE = 0
        await connection.SendFrameAsync(Settings, 0, 0, [0, 1, 0, 0, 0, 0]);
        await connection.SendFrameAsync(Settings, Acknowledgement, 0, []);
        return connection;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _stream.WriteAsync(bytes);

    public async Task SendFrameAsync(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8 | type);
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        await SendAsync(frame);
    }

    /// <summary>A gRPC request's headers; a field given here replaces the usual one.</summary>
    public async Task SendRequestAsync(int stream, string path, params (string Name, string Value)[] fields)
    {
        var all = new Dictionary<string, string>
        {
            [":method"] = "POST",
            [":scheme"] = "http",
            [":authority"] = "localhost",
            [":path"] = path,
            ["content-type"] = "application/grpc",
            ["te"] = "trailers",
        };
        foreach (var (name, value) in fields)
            all[name] = value;
        await SendFrameAsync(Headers, EndHeaders, stream, [.. all.SelectMany(field => Literal(field.Key, field.Value))]);
    }

    public Task SendMessageAsync(int stream, byte flag, uint length, byte[] payload, bool end = true)
    {
        var body = new byte[5 + payload.Length];
        body[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(body.AsSpan(1), length);
        payload.CopyTo(body, 5);
        return SendFrameAsync(Data, end ? EndStream : (byte)0, stream, body);
    }

    /// <summary>The next frame; null when the server has closed the connection.</summary>
    public async Task<(byte Type, byte Flags, int Stream, byte[] Payload)?> ReadFrameAsync()
    {
        try
        {
            var header = new byte[9];
            await _stream.ReadExactlyAsync(header);
            var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(header) >>> 8];
            await _stream.ReadExactlyAsync(payload);
            return (header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)), payload);
        }
        catch (Exception exception) when (exception is IOException or EndOfStreamException)
        {
            return null;
        }
    }

    /// <summary>The header fields and trailers of a stream, until it ends; "reset" with the code when it was reset.</summary>
    public async Task<Dictionary<string, string>> ReadResponseAsync(int stream)
    {
        var fields = new Dictionary<string, string>();
        while (await ReadFrameAsync().WaitAsync(TimeSpan.FromSeconds(20)) is var (type, flags, id, payload))
        {
            if (id != stream)
                continue;
            if (type == Headers)
                Decode(payload, fields);
            if (type == Reset)
                fields["reset"] = BinaryPrimitives.ReadInt32BigEndian(payload).ToString(null, null);
            if (type == Reset || (type is Headers or Data && (flags & EndStream) != 0))
                return fields;
        }

        fields["closed"] = "";
        return fields;
    }

    /// <summary>True when the server ends the connection, whatever it says before.</summary>
    public async Task<bool> IsClosedByServerAsync()
    {
        while (await ReadFrameAsync().WaitAsync(TimeSpan.FromSeconds(20)) is not null)
        {
        }

        return true;
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    /// <summary>HPACK, literal without indexing, no Huffman coding.</summary>
    private static IEnumerable<byte> Literal(string name, string value) =>
        [0, .. Length(name.Length), .. Encoding.ASCII.GetBytes(name), .. Length(value.Length), .. Encoding.ASCII.GetBytes(value)];

    private static List<byte> Length(int length)
    {
        if (length < 127)
            return [(byte)length];
        List<byte> bytes = [127];
        for (length -= 127; length >= 128; length >>= 7)
            bytes.Add((byte)(length & 127 | 128));
        bytes.Add((byte)length);
        return bytes;
    }

    private static void Decode(byte[] block, Dictionary<string, string> fields)
    {
        var at = 0;
        while (at < block.Length)
        {
            var first = block[at];
            if ((first & 0x80) != 0)
            {
                var index = Integer(block, ref at, 7);
                fields[$"#{index}"] = "";
            }
            else if ((first & 0xe0) == 0x20)
                Integer(block, ref at, 5);
            else
            {
                var index = Integer(block, ref at, (first & 0x40) != 0 ? 6 : 4);
                var name = index == 0 ? Text(block, ref at) : $"#{index}";
                fields[name] = Text(block, ref at);
            }
        }
    }

    private static string Text(byte[] block, ref int at)
    {
        var length = Integer(block, ref at, 7);
        at += length;
        return Encoding.ASCII.GetString(block, at - length, length);
    }

    private static int Integer(byte[] block, ref int at, int bits)
    {
        var mask = (1 << bits) - 1;
        var value = block[at++] & mask;
        if (value < mask)
            return value;
        for (var shift = 0; ; shift += 7)
        {
            var next = block[at++];
            value += (next & 127) << shift;
            if (next < 128)
                return value;
        }
    }
}
