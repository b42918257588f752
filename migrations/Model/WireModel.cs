using Google.Protobuf.Reflection;

namespace Auraed.Migrations;

/// <summary>What peers rely on: the numbers, types and labels of the fields, and the values of the enums.</summary>
public sealed record WireModel(SortedDictionary<string, WireMessage> Messages, SortedDictionary<string, SortedDictionary<string, int>> Enums)
{
    public static WireModel Of(Descriptors descriptors)
    {
        var ours = descriptors.Files.Where(static f => !f.Package.StartsWith("google.", StringComparison.Ordinal)).ToList();
        var own = new Descriptors(ours);
        var messages = new SortedDictionary<string, WireMessage>(StringComparer.Ordinal);
        foreach (var name in own.Messages)
        {
            var message = own.Message(name);
            var fields = new SortedDictionary<int, WireField>();
            foreach (var field in message.Field)
            {
                fields.Add(field.Number, new WireField(field.Name, field.Type.ToString(), field.TypeName, LabelOf(field, message)));
            }

            messages.Add(name, new WireMessage(fields));
        }

        var enums = new SortedDictionary<string, SortedDictionary<string, int>>(StringComparer.Ordinal);
        foreach (var (name, type) in own.Enums)
        {
            enums.Add(name, new SortedDictionary<string, int>(type.Value.ToDictionary(static v => v.Name, static v => v.Number), StringComparer.Ordinal));
        }

        return new WireModel(messages, enums) { Reserved = own.Messages.ToDictionary(static n => n, n => ReservedOf(own.Message(n))) };
    }

    /// <summary>Numbers and names that a message says it will not use again. Not kept in the baseline: they matter where a field went.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public Dictionary<string, (Func<int, bool> Number, Func<string, bool> Name)> Reserved { get; init; } = [];

    /// <summary>What in this model a peer of <paramref name="baseline"/> would read wrongly; empty when nothing.</summary>
    public List<string> BreaksOf(WireModel baseline)
    {
        var breaks = new List<string>();
        foreach (var (name, was) in baseline.Messages)
        {
            if (!Messages.TryGetValue(name, out var now))
            {
                breaks.Add($"{name}: the message is gone");
                continue;
            }

            foreach (var (number, field) in was.Fields)
            {
                CheckField(breaks, name, number, field, now);
            }
        }

        foreach (var (name, was) in baseline.Enums)
        {
            var now = Enums.GetValueOrDefault(name);
            breaks.AddRange(was.Where(value => now?.GetValueOrDefault(value.Key, -1) != value.Value)
                .Select(value => $"{name}.{value.Key}: the value {value.Value} is gone or has another number"));
        }

        return breaks;
    }

    private void CheckField(List<string> breaks, string message, int number, WireField was, WireMessage now)
    {
        if (now.Fields.TryGetValue(number, out var field))
        {
            if (field != was)
            {
                breaks.Add($"{message}: number {number} was {was} and is {field}; give the new field a new number and reserve the old one");
            }
        }
        else if (!Reserved[message].Number(number) || !Reserved[message].Name(was.Name))
        {
            breaks.Add($"{message}: {was} = {number} is gone; add `reserved {number}; reserved \"{was.Name}\";`");
        }
    }

    private static (Func<int, bool> Number, Func<string, bool> Name) ReservedOf(DescriptorProto message) =>
        (number => message.ReservedRange.Any(r => number >= r.Start && number < r.End), message.ReservedName.Contains);

    private static string LabelOf(FieldDescriptorProto field, DescriptorProto message) => field.Label == FieldDescriptorProto.Types.Label.Repeated ? "repeated"
        : field.Proto3Optional ? "optional"
        : field.HasOneofIndex ? "oneof " + message.OneofDecl[field.OneofIndex].Name
        : "";
}

public sealed record WireMessage(SortedDictionary<int, WireField> Fields);

public sealed record WireField(string Name, string Type, string TypeName, string Label)
{
    public override string ToString() => $"{Label} {(TypeName.Length > 0 ? TypeName[1..] : Type.ToLowerInvariant())} {Name}".TrimStart();
}
