using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Auraed.Base;

/// <summary>JSON that is kept as google.protobuf.Value, whose numbers are doubles: a whole number beyond 2^53 may come back as another one.</summary>
public static class JsonNumbers
{
    /// <summary>Fault(Invalid) that names the first whole number which a double cannot hold; decimals are rounded, as everywhere.</summary>
    /// <param name="path">Of the element, as fields are written: body, or empty for all there is.</param>
    /// <param name="field">The field of the request.</param>
    public static void RequireExact(JsonElement element, string path, string field)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    RequireExact(property.Value, path.Length == 0 ? property.Name : $"{path}.{property.Name}", field);
                }

                break;
            case JsonValueKind.Array:
                int index = 0;
                foreach (JsonElement member in element.EnumerateArray())
                {
                    RequireExact(member, $"{path}[{index++}]", field);
                }

                break;
            case JsonValueKind.Number when !IsExact(element.GetRawText()):
                throw Fault.Invalid(
                    field,
                    $"{(path.Length == 0 ? field : path)} is {element.GetRawText()}, which would become another number: JSON's numbers are kept as doubles, which hold each whole number up to 9007199254740992 (2^53)",
                    $"write it as a text: \"{element.GetRawText()}\"");
        }
    }

    private static bool IsExact(string number)
    {
        const long wholeMax = 1L << 53;
        if (long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long small) && small is >= -wholeMax and <= wholeMax)
        {
            return true;
        }

        if (number.AsSpan().ContainsAny('.', 'e', 'E'))
        {
            return true;
        }

        double kept = double.Parse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return double.IsFinite(kept) && new BigInteger(kept) == BigInteger.Parse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
    }
}
