using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>
/// Version 3 of the SSH File Transfer Protocol (draft-ietf-secsh-filexfer-02), what of it a store needs. All numbers are big-endian:
/// <code>
///     uint32 length of the rest | byte type | uint32 request id | fields;  INIT and VERSION have the version where others have the id
///     string: uint32 length | bytes;  attributes: uint32 which | those of them, in order
/// </code>
/// </summary>
internal static class SftpPacket
{
    public const byte Init = 1;
    public const byte Version = 2;
    public const byte Open = 3;
    public const byte Close = 4;
    public const byte Read = 5;
    public const byte Write = 6;
    public const byte FileStat = 8;
    public const byte Remove = 13;
    public const byte MakeDirectory = 14;
    public const byte Stat = 17;
    public const byte Status = 101;
    public const byte Handle = 102;
    public const byte Data = 103;
    public const byte Attributes = 105;
    public const byte Extended = 200;

    public const uint OpenRead = 0x1;
    public const uint OpenWrite = 0x2;
    public const uint OpenCreate = 0x8;
    public const uint OpenExclusive = 0x20;

    public const uint AttributeSize = 0x1;
    public const uint AttributePermissions = 0x4;

    public const uint StatusOk = 0;
    public const uint StatusEnd = 1;
    public const uint StatusNoSuchFile = 2;
    public const uint StatusDenied = 3;
    public const uint StatusFailure = 4;
    public const uint StatusUnsupported = 8;
}

/// <summary>Builds one packet. Its first four bytes, the length, are written last.</summary>
internal sealed class SftpWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new(256);

    public SftpWriter(byte type, uint id)
    {
        Add(0u);
        _bytes.GetSpan(1)[0] = type;
        _bytes.Advance(1);
        Add(id);
    }

    public SftpWriter Add(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.GetSpan(sizeof(uint)), value);
        _bytes.Advance(sizeof(uint));
        return this;
    }

    public SftpWriter Add(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_bytes.GetSpan(sizeof(ulong)), value);
        _bytes.Advance(sizeof(ulong));
        return this;
    }

    public SftpWriter Add(ReadOnlySpan<byte> value)
    {
        Add((uint)value.Length);
        _bytes.Write(value);
        return this;
    }

    public SftpWriter Add(string value) => Add(Encoding.UTF8.GetBytes(value));

    public ReadOnlyMemory<byte> ToPacket()
    {
        var packet = System.Runtime.InteropServices.MemoryMarshal.AsMemory(_bytes.WrittenMemory);
        BinaryPrimitives.WriteUInt32BigEndian(packet.Span, (uint)packet.Length - sizeof(uint));
        return packet;
    }
}

/// <summary>Takes the fields of an answer one after the other. What the packet does not hold is a fault of the server.</summary>
internal sealed class SftpReply
{
    private ReadOnlyMemory<byte> _left;

    public SftpReply(byte type, ReadOnlyMemory<byte> fields)
    {
        Type = type;
        Status = type != SftpPacket.Status ? null : fields.Length >= sizeof(uint) ? BinaryPrimitives.ReadUInt32BigEndian(fields.Span) : SftpPacket.StatusFailure;
        _left = fields;
    }

    public byte Type { get; }

    public bool IsEmpty => _left.IsEmpty;

    /// <summary>The code of a STATUS, null for every other packet; what follows it is the server's words for people, which are not passed on.</summary>
    public uint? Status { get; }

    public uint TakeNumber()
    {
        return BinaryPrimitives.ReadUInt32BigEndian(Take(sizeof(uint)).Span);
    }

    public ulong TakeLongNumber() => BinaryPrimitives.ReadUInt64BigEndian(Take(sizeof(ulong)).Span);

    public ReadOnlyMemory<byte> TakeBytes()
    {
        var length = TakeNumber();
        return Take(length <= (uint)_left.Length ? (int)length : int.MaxValue);
    }

    public string TakeText() => Encoding.UTF8.GetString(TakeBytes().Span);

    private ReadOnlyMemory<byte> Take(int count)
    {
        if (count > _left.Length)
        {
            throw new Fault(FaultKind.Precondition, "the SFTP server answered with a packet that ends within a field");
        }

        var value = _left[..count];
        _left = _left[count..];
        return value;
    }
}
