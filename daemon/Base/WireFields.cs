namespace Auraed.Base;

/// <summary>
/// The fields of a protobuf message in the order they stand in its bytes (protobuf.dev, "Encoding"), without copying any: for messages that are large, where the generated type
/// would give each field of bytes an array of its own. Groups are refused, as is a field that leaves its message: InvalidDataException.
/// </summary>
public struct WireFields(byte[] bytes, Range message)
{
    private const int WireTypeBits = 3;
    private const int VarintType = 0;
    private const int Fixed64Type = 1;
    private const int DelimitedType = 2;
    private const int Fixed32Type = 5;
    private readonly int _end = message.End.Value;
    private int _next = message.Start.Value;

    public WireField Current { get; private set; }

    public readonly WireFields GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_next == _end)
        {
            return false;
        }

        var tag = ReadVarint();
        var number = tag >> WireTypeBits;
        if (number is 0 or > int.MaxValue >> WireTypeBits)
        {
            throw Broken();
        }

        var type = (int)tag & ((1 << WireTypeBits) - 1);
        var varint = 0UL;
        var length = 0UL;
        switch (type)
        {
            case VarintType:
                varint = ReadVarint();
                break;
            case Fixed64Type:
                length = sizeof(ulong);
                break;
            case Fixed32Type:
                length = sizeof(uint);
                break;
            case DelimitedType:
                length = ReadVarint();
                break;
            default:
                throw Broken();
        }

        var start = _next;
        _next = length <= (ulong)(_end - _next) ? _next + (int)length : throw Broken();
        Current = new WireField((int)number, type == VarintType, type == DelimitedType, start.._next, varint);
        return true;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64 && _next < _end; shift += 7)
        {
            var part = bytes[_next++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }

        throw Broken();
    }

    private static InvalidDataException Broken() => new("a field leaves its message");
}

/// <param name="Number">Of the field in its message.</param>
/// <param name="IsVarint">A number, which is <paramref name="Varint"/>.</param>
/// <param name="IsDelimited">Bytes, a string or a message, and where it stands is <paramref name="Place"/>.</param>
public readonly record struct WireField(int Number, bool IsVarint, bool IsDelimited, Range Place, ulong Varint)
{
    public bool IsBytes(int number) => IsDelimited && Number == number;
}
