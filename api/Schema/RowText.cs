using System.Text.Unicode;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Aurae.Schema;

/// <summary>Text that a column can hold: Unicode without NUL. SQLite's functions stop at a NUL, so such a text would be stored and not be found.</summary>
public static class RowText
{
    private const int NestingMax = 100;

    /// <summary>The value itself, when a column can hold it.</summary>
    public static string Check(string value, string path)
    {
        if (value.AsSpan().IndexOfAnyExceptInRange('\u0001', '\uD7FF') >= 0)
        {
            Refuse(value, path);
        }

        return value;
    }

    private static void Refuse(ReadOnlySpan<char> rest, string path)
    {
        for (var i = 0; i < rest.Length; i++)
        {
            if (rest[i] == '\0')
            {
                throw new FieldValueException(path, $"{path} holds a NUL character");
            }

            if (char.IsHighSurrogate(rest[i]) && i + 1 < rest.Length && char.IsLowSurrogate(rest[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(rest[i]))
            {
                throw new FieldValueException(path, $"{path} holds half a surrogate pair");
            }
        }
    }

    /// <summary>
    /// Refuses strings that are not UTF-8, at any depth. The message parser would put U+FFFD in their place, and the record would hold what nobody sent.
    /// Bytes that are no message are left for the parser to refuse.
    /// </summary>
    public static void CheckWire(MessageDescriptor message, ReadOnlySpan<byte> bytes) => CheckWire(message, bytes, "", 0);

    private static void CheckWire(MessageDescriptor message, ReadOnlySpan<byte> bytes, string path, int depth)
    {
        while (bytes.Length > 0 && depth <= NestingMax)
        {
            if (!Varint(ref bytes, out var tag) || !Payload(ref bytes, (WireFormat.WireType)(tag & 7), out var payload))
            {
                return;
            }

            if ((tag & 7) != (uint)WireFormat.WireType.LengthDelimited || message.FindFieldByNumber((int)(tag >> 3)) is not { } field)
            {
                continue;
            }

            if (field.FieldType == FieldType.String && !Utf8.IsValid(payload))
            {
                throw new FieldValueException(path + field.Name, $"{path}{field.Name} is not UTF-8");
            }

            if (field.FieldType == FieldType.Message)
            {
                CheckWire(field.MessageType, payload, path + field.Name + ".", depth + 1);
            }
        }
    }

    private static bool Payload(ref ReadOnlySpan<byte> bytes, WireFormat.WireType type, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        ulong length;
        switch (type)
        {
            case WireFormat.WireType.Varint:
                return Varint(ref bytes, out _);
            case WireFormat.WireType.Fixed32:
                length = 4;
                break;
            case WireFormat.WireType.Fixed64:
                length = 8;
                break;
            case WireFormat.WireType.LengthDelimited when Varint(ref bytes, out length):
                break;
            default:
                return false;
        }

        if (length > (ulong)bytes.Length)
        {
            return false;
        }

        payload = bytes[..(int)length];
        bytes = bytes[(int)length..];
        return true;
    }

    private static bool Varint(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (var i = 0; i < bytes.Length && i < 10; i++)
        {
            value |= (ulong)(bytes[i] & 0x7F) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }

        return false;
    }
}
