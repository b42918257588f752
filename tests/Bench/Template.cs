using System.Globalization;
using System.Text;

namespace Auraed.Bench;

/// <summary>A protobuf message for the load generator: hexadecimal, with parts in braces of known length, so that the lengths around them are right.</summary>
internal sealed class Template
{
    private readonly StringBuilder _text = new();

    public int Length { get; private set; }

    public Template Text(int field, string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        Prefix(field, bytes.Length);
        _text.Append(Convert.ToHexStringLower(bytes));
        Length += bytes.Length;
        return this;
    }

    /// <summary>A string or bytes field whose value the generator makes per call.</summary>
    public Template Part(int field, string part, int length)
    {
        Prefix(field, length);
        _text.Append(part);
        Length += length;
        return this;
    }

    public Template Message(int field, Template message)
    {
        Prefix(field, message.Length);
        _text.Append(message._text);
        Length += message.Length;
        return this;
    }

    public Template Number(int field, ulong value)
    {
        Varint((ulong)field << 3);
        Varint(value);
        return this;
    }

    public override string ToString() => _text.ToString();

    private void Prefix(int field, int length)
    {
        Varint((ulong)field << 3 | 2);
        Varint((ulong)length);
    }

    private void Varint(ulong value)
    {
        do
        {
            var more = value > 127 ? 0x80u : 0;
            _text.Append(((uint)(value & 127) | more).ToString("x2", CultureInfo.InvariantCulture));
            Length++;
            value >>= 7;
        }
        while (value > 0);
    }
}
