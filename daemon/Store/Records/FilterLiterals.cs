using System.Globalization;
using System.Numerics;
using Aurae.Schema;
using Auraed.Base;
using Google.Protobuf.Reflection;

namespace Auraed.Store.Records;

/// <summary>From a filter's literal to the value that the field's column stores.</summary>
internal static class FilterLiterals
{
    public static SqlValue Read(RecordField field, FilterLiteral literal, string path, string requestField)
    {
        string text = literal.Text;
        SqlValue? value = field.Kind switch
        {
            FieldKind.String => SqlValue.Text(text),
            FieldKind.Bool => text switch { "true" => SqlValue.Integer(1), "false" => SqlValue.Integer(0), _ => null },
            FieldKind.Int32 or FieldKind.Int64 or FieldKind.UInt32 => Whole(text, long.MinValue, long.MaxValue),
            FieldKind.UInt64 => Whole(text, 0, ulong.MaxValue),
            FieldKind.Float or FieldKind.Double => Real(text),
            FieldKind.Enum => EnumValue(field.Enum, text),
            FieldKind.Timestamp => Time(text),
            FieldKind.Duration => Duration(text),
            FieldKind.Bytes => Bytes(text),
            FieldKind.Json => null,
        };
        return value ?? throw Fault.Invalid(requestField, $"{requestField}: '{path}' is {Wanted(field)}, and '{Shown(text)}' is not");
    }

    /// <summary>The value of a literal whose field says nothing about its kind: quoted it is text, bare it may be a number or a truth value.</summary>
    public static SqlValue Guess(FilterLiteral literal)
    {
        if (literal.IsQuoted)
        {
            return SqlValue.Text(literal.Text);
        }

        return literal.Text switch
        {
            "true" => SqlValue.Integer(1),
            "false" => SqlValue.Integer(0),
            _ => Whole(literal.Text, long.MinValue, long.MaxValue) ?? Real(literal.Text) ?? SqlValue.Text(literal.Text),
        };
    }

    private static SqlValue? Whole(string text, BigInteger min, BigInteger max)
    {
        bool isNumber = text.Length <= 40 && BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger number)
            && number >= min && number <= max;
        return !isNumber ? null
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long small) ? SqlValue.Integer(small)
            : SqlValue.Integer(unchecked((long)ulong.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)));
    }

    private static SqlValue? Real(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? SqlValue.Real(number) : null;

    private static SqlValue? EnumValue(EnumDescriptor? type, string text)
    {
        EnumValueDescriptor? named = type?.FindValueByName(text);
        return named is not null ? SqlValue.Integer(named.Number) : Whole(text, int.MinValue, int.MaxValue);
    }

    private static SqlValue? Time(string text)
    {
        bool isTime = DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset time);
        Int128 nanoseconds = ((Int128)(time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks)) * 100;
        return isTime && nanoseconds >= long.MinValue && nanoseconds <= long.MaxValue ? SqlValue.Integer((long)nanoseconds) : null;
    }

    private static SqlValue? Duration(string text)
    {
        (string digits, decimal unit) = text switch
        {
            [.. var head, 'n', 's'] => (head, 1m),
            [.. var head, 'u', 's'] => (head, 1_000m),
            [.. var head, 'm', 's'] => (head, 1_000_000m),
            [.. var head, 's'] => (head, 1_000_000_000m),
            [.. var head, 'm'] => (head, 60_000_000_000m),
            [.. var head, 'h'] => (head, 3_600_000_000_000m),
            _ => (string.Empty, 0m),
        };
        bool isNumber = decimal.TryParse(digits, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number);
        return isNumber && Math.Abs(number) <= long.MaxValue / unit ? SqlValue.Integer((long)(number * unit)) : null;
    }

    private static SqlValue? Bytes(string text)
    {
        var buffer = new byte[text.Length];
        return Convert.TryFromBase64String(text, buffer, out int written) ? SqlValue.Blob(buffer[..written]) : null;
    }

    private static string Wanted(RecordField field) => field.Kind switch
    {
        FieldKind.Bool => "true or false",
        FieldKind.Int32 or FieldKind.Int64 or FieldKind.UInt32 or FieldKind.UInt64 => "a whole number",
        FieldKind.Float or FieldKind.Double => "a number",
        FieldKind.Enum => field.Enum is null ? "an enum's value" : $"one of {string.Join(", ", field.Enum.Values.Take(16).Select(value => value.Name))}",
        FieldKind.Timestamp => "a time like \"2026-01-31T12:00:00Z\"",
        FieldKind.Duration => "a length of time like 1.5s, 20ms, 5m or 2h",
        FieldKind.Bytes => "bytes in base64",
        FieldKind.String => "text",
        FieldKind.Json => "a whole message",
    };

    private static string Shown(string text) => text.Length <= 64 ? text : string.Concat(text.AsSpan(0, 61), "...");
}
