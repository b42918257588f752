using Aurae.Schema;

namespace Auraed.Store.Records;

/// <summary>One value of a statement's parameter, or of a sort key.</summary>
public readonly record struct SqlValue
{
    private readonly object? _reference;
    private readonly long _number;

    private SqlValue(ColumnType? type, long number, object? reference)
    {
        Type = type;
        _number = number;
        _reference = reference;
    }

    /// <summary>Null for NULL.</summary>
    public ColumnType? Type { get; }

    public static SqlValue Null => default;

    public long AsInteger => _number;

    public double AsReal => BitConverter.Int64BitsToDouble(_number);

    public string AsText => (string)_reference!;

    public byte[] AsBlob => (byte[])_reference!;

    public static SqlValue Integer(long value) => new(ColumnType.Integer, value, null);

    public static SqlValue Real(double value) => new(ColumnType.Real, BitConverter.DoubleToInt64Bits(value), null);

    public static SqlValue Text(string value) => new(ColumnType.Text, 0, value);

    public static SqlValue Blob(byte[] value) => new(ColumnType.Blob, 0, value);

    public void Bind(IColumnWriter writer, int index)
    {
        switch (Type)
        {
            case ColumnType.Integer:
                writer.Integer(index, _number);
                break;
            case ColumnType.Real:
                writer.Real(index, AsReal);
                break;
            case ColumnType.Text:
                writer.Text(index, AsText);
                break;
            case ColumnType.Blob:
                writer.Blob(index, AsBlob);
                break;
            default:
                writer.Null(index);
                break;
        }
    }
}
