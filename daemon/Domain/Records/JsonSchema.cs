using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Auraed.Base;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Records;

/// <summary>
/// Checks JSON against a schema written in a subset of JSON Schema: type, enum, properties, required, additionalProperties, items, minItems,
/// maxItems, minimum, maximum, minLength, maxLength, pattern, and the annotations title, description, default, examples, $schema, $id, $comment.
/// A keyword outside the subset is refused where the schema is written, so that no schema promises what is not checked.
/// Both sides are walked to <see cref="Limits.JsonDepthMax"/> and no deeper.
/// </summary>
internal static class JsonSchema
{
    private const int PatternsKeptMax = 256;

    private static readonly HashSet<string> Annotations = new(StringComparer.Ordinal) { "title", "description", "default", "examples", "$schema", "$id", "$comment" };

    private static readonly ConcurrentDictionary<string, Regex> Patterns = new(StringComparer.Ordinal);

    /// <summary>Fault(Invalid) that names the place in the document when the schema does not allow it.</summary>
    public static void Check(Struct schema, Value value, string path) => Check(schema, value, path, 0);

    /// <summary>Fault(Invalid) when the schema uses what is not in the subset, or uses it wrongly.</summary>
    public static void CheckSchema(Struct schema, string path, int depth = 0)
    {
        CheckDepth(depth, path);
        foreach ((string keyword, Value value) in schema.Fields)
        {
            string at = $"{path}.{keyword}";
            switch (keyword)
            {
                case "type":
                    RequireSchema(Words(value).All(word => word is "object" or "array" or "string" or "number" or "integer" or "boolean" or "null") && Words(value).Any(), at, "the name of a JSON type or a list of them");
                    break;
                case "properties":
                    RequireSchema(value.KindCase == Value.KindOneofCase.StructValue, at, "an object of schemas");
                    foreach ((string name, Value inner) in value.StructValue.Fields)
                    {
                        CheckInner(inner, $"{at}.{name}", depth);
                    }

                    break;
                case "items":
                    CheckInner(value, at, depth);
                    break;
                case "additionalProperties":
                    if (value.KindCase != Value.KindOneofCase.BoolValue)
                    {
                        CheckInner(value, at, depth);
                    }

                    break;
                case "required":
                    RequireSchema(value.KindCase == Value.KindOneofCase.ListValue && value.ListValue.Values.All(item => item.KindCase == Value.KindOneofCase.StringValue), at, "a list of names");
                    break;
                case "enum":
                    RequireSchema(value.KindCase == Value.KindOneofCase.ListValue && value.ListValue.Values.Count > 0, at, "a list of values");
                    break;
                case "minimum" or "maximum" or "minLength" or "maxLength" or "minItems" or "maxItems":
                    RequireSchema(value.KindCase == Value.KindOneofCase.NumberValue, at, "a number");
                    break;
                case "pattern":
                    RequireSchema(value.KindCase == Value.KindOneofCase.StringValue, at, "a regular expression");
                    _ = Pattern(value.StringValue, at);
                    break;
                default:
                    if (!Annotations.Contains(keyword))
                    {
                        throw Fault.Invalid(at, $"{at}: the keyword '{keyword}' is not one that is checked here");
                    }

                    break;
            }
        }
    }

    /// <summary>Fault(Invalid) when JSON is nested too deep.</summary>
    public static void CheckDepth(Value value, string path, int depth = 0)
    {
        CheckDepth(depth, path);
        if (value.KindCase == Value.KindOneofCase.StructValue)
        {
            foreach ((string name, Value inner) in value.StructValue.Fields)
            {
                CheckDepth(inner, $"{path}.{name}", depth + 1);
            }
        }
        else if (value.KindCase == Value.KindOneofCase.ListValue)
        {
            foreach (Value inner in value.ListValue.Values)
            {
                CheckDepth(inner, path, depth + 1);
            }
        }
    }

    private static void Check(Struct schema, Value value, string path, int depth)
    {
        CheckDepth(depth, path);
        var words = schema.Fields;
        if (words.TryGetValue("type", out Value? type))
        {
            Require(Words(type).Any(word => IsType(value, word)), path, $"is {TypeOf(value)}, not {string.Join(" or ", Words(type))}");
        }

        if (words.TryGetValue("enum", out Value? allowed))
        {
            Require(allowed.ListValue.Values.Contains(value), path, "is none of the values allowed");
        }

        switch (value.KindCase)
        {
            case Value.KindOneofCase.NumberValue:
                Bound(words, "minimum", "maximum", value.NumberValue, path, "the number");
                break;
            case Value.KindOneofCase.StringValue:
                Bound(words, "minLength", "maxLength", value.StringValue.EnumerateRunes().Count(), path, "the length");
                if (words.TryGetValue("pattern", out Value? pattern))
                {
                    Require(Pattern(pattern.StringValue, path).IsMatch(value.StringValue), path, $"does not match {pattern.StringValue}");
                }

                break;
            case Value.KindOneofCase.ListValue:
                Bound(words, "minItems", "maxItems", value.ListValue.Values.Count, path, "the number of items");
                if (words.TryGetValue("items", out Value? items))
                {
                    for (int index = 0; index < value.ListValue.Values.Count; index++)
                    {
                        Check(items.StructValue, value.ListValue.Values[index], $"{path}[{index}]", depth + 1);
                    }
                }

                break;
            case Value.KindOneofCase.StructValue:
                CheckObject(words, value.StructValue, path, depth);
                break;
            default:
                break;
        }
    }

    private static void CheckObject(IDictionary<string, Value> words, Struct value, string path, int depth)
    {
        if (words.TryGetValue("required", out Value? required))
        {
            foreach (Value name in required.ListValue.Values)
            {
                Require(value.Fields.ContainsKey(name.StringValue), $"{path}.{name.StringValue}", "is required");
            }
        }

        Struct? properties = words.TryGetValue("properties", out Value? named) ? named.StructValue : null;
        words.TryGetValue("additionalProperties", out Value? others);
        foreach ((string name, Value inner) in value.Fields)
        {
            string at = $"{path}.{name}";
            if (properties is not null && properties.Fields.TryGetValue(name, out Value? schema))
            {
                Check(schema.StructValue, inner, at, depth + 1);
            }
            else if (others?.KindCase == Value.KindOneofCase.StructValue)
            {
                Check(others.StructValue, inner, at, depth + 1);
            }
            else
            {
                Require(others?.KindCase != Value.KindOneofCase.BoolValue || others.BoolValue, at, "is not a property of the schema");
            }
        }
    }

    private static void Bound(IDictionary<string, Value> words, string minimum, string maximum, double number, string path, string what)
    {
        if (words.TryGetValue(minimum, out Value? least))
        {
            Require(number >= least.NumberValue, path, $"{what} is less than {least.NumberValue}");
        }

        if (words.TryGetValue(maximum, out Value? most))
        {
            Require(number <= most.NumberValue, path, $"{what} is greater than {most.NumberValue}");
        }
    }

    private static void CheckInner(Value value, string path, int depth)
    {
        RequireSchema(value.KindCase == Value.KindOneofCase.StructValue, path, "a schema");
        CheckSchema(value.StructValue, path, depth + 1);
    }

    private static IEnumerable<string> Words(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.StringValue => [value.StringValue],
        Value.KindOneofCase.ListValue => value.ListValue.Values.Select(item => item.StringValue),
        _ => [],
    };

    private static bool IsType(Value value, string word) =>
        TypeOf(value) == word || (word == "integer" && value.KindCase == Value.KindOneofCase.NumberValue && value.NumberValue == Math.Floor(value.NumberValue));

    private static string TypeOf(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.BoolValue => "boolean",
        Value.KindOneofCase.NumberValue => "number",
        Value.KindOneofCase.StringValue => "string",
        Value.KindOneofCase.ListValue => "array",
        Value.KindOneofCase.StructValue => "object",
        Value.KindOneofCase.NullValue or Value.KindOneofCase.None => "null",
        _ => "null",
    };

    /// <summary>An expression that runs in time linear in the text: one that needs backtracking is refused.</summary>
    private static Regex Pattern(string pattern, string path)
    {
        if (Patterns.TryGetValue(pattern, out Regex? known))
        {
            return known;
        }

        try
        {
            var made = new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
            if (Patterns.Count < PatternsKeptMax)
            {
                Patterns.TryAdd(pattern, made);
            }

            return made;
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw Fault.Invalid(path, $"{path}: the pattern is not a regular expression without look-around and back-references");
        }
    }

    private static void CheckDepth(int depth, string path)
    {
        if (depth > Limits.JsonDepthMax)
        {
            throw Fault.Invalid(path.Length <= 256 ? path : path[..256], $"JSON is nested deeper than {Limits.JsonDepthMax}");
        }
    }

    private static void RequireSchema(bool holds, string path, string wanted)
    {
        if (!holds)
        {
            throw Fault.Invalid(path, $"{path} is not {wanted}");
        }
    }

    private static void Require(bool holds, string path, string what)
    {
        if (!holds)
        {
            throw Fault.Invalid(path, $"{path} {what}");
        }
    }
}
