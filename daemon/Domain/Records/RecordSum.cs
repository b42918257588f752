using System.Globalization;
using System.Numerics;
using Auraed.Base;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Auraed.Domain.Records;

/// <summary>Adds to a number of a body, within the caller's bounds and those of the field's type; never wraps around.</summary>
internal static class RecordSum
{
    public static void Add(IMessage body, RecordAdd add)
    {
        (object? number, FieldDescriptor? field) = FieldPaths.Number(body, add.Path, "path");
        object sum = number switch
        {
            double or float => Real(Convert.ToDouble(number, CultureInfo.InvariantCulture), field, add),
            int value => (int)Whole(value, int.MinValue, int.MaxValue, add),
            uint value => (uint)Whole(value, 0, uint.MaxValue, add),
            long value => (long)Whole(value, long.MinValue, long.MaxValue, add),
            ulong value => (ulong)Whole(value, 0, ulong.MaxValue, add),
            _ => throw Fault.Invalid("path", $"path: there is no number at '{string.Join('.', add.Path)}'"),
        };
        FieldPaths.SetNumber(body, add.Path, sum, "path");
    }

    private static object Real(double value, FieldDescriptor? field, RecordAdd add)
    {
        double sum = value + Convert.ToDouble(add.Amount, CultureInfo.InvariantCulture);
        bool isBelow = add.Minimum is not null && sum < Convert.ToDouble(add.Minimum, CultureInfo.InvariantCulture);
        bool isAbove = add.Maximum is not null && sum > Convert.ToDouble(add.Maximum, CultureInfo.InvariantCulture);
        bool isFloat = field?.FieldType == FieldType.Float;
        if (isBelow || isAbove || !double.IsFinite(sum) || (isFloat && !float.IsFinite((float)sum)))
        {
            throw OutOfBounds(add, sum.ToString(CultureInfo.InvariantCulture));
        }

        return isFloat ? (float)sum : sum;
    }

    private static BigInteger Whole(BigInteger value, BigInteger typeMinimum, BigInteger typeMaximum, RecordAdd add)
    {
        BigInteger sum = value + ToWhole(add.Amount, "amount");
        bool isBelow = sum < typeMinimum || (add.Minimum is not null && sum < ToWhole(add.Minimum, "minimum"));
        bool isAbove = sum > typeMaximum || (add.Maximum is not null && sum > ToWhole(add.Maximum, "maximum"));
        return isBelow || isAbove ? throw OutOfBounds(add, sum.ToString(CultureInfo.InvariantCulture)) : sum;
    }

    private static BigInteger ToWhole(object number, string field) => number switch
    {
        long whole => whole,
        double real when real == Math.Floor(real) && double.IsFinite(real) => new BigInteger(real),
        _ => throw Fault.Invalid(field, $"{field} is not whole, and the field holds whole numbers"),
    };

    private static Fault OutOfBounds(RecordAdd add, string sum) => new(
        FaultKind.Precondition,
        $"{string.Join('.', add.Path)} of {add.Table.Name} '{add.Name}' would be {sum}, which is out of its bounds",
        "path")
    { Reason = "SUM_OUT_OF_BOUNDS" };
}
