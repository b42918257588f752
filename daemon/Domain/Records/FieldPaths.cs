using System.Collections;
using Auraed.Base;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Records;

/// <summary>Single fields of messages, by path: copied for masks, read and written for sums. Walks messages, the values of maps and the inside of a Struct.</summary>
internal static class FieldPaths
{
    /// <summary>Makes the target's field what the source's is; unset in the source clears it.</summary>
    /// <param name="requestField">What a fault names.</param>
    public static void Copy(IMessage source, IMessage target, ReadOnlySpan<string> path, string requestField)
    {
        FieldDescriptor field = Field(target.Descriptor, path[0], requestField);
        if (path.Length == 1)
        {
            CopyWhole(source, target, field);
        }
        else if (field.IsMap)
        {
            CopyEntry((IDictionary)field.Accessor.GetValue(source), (IDictionary)field.Accessor.GetValue(target), field, path, requestField);
        }
        else if (field.FieldType != FieldType.Message || field.IsRepeated)
        {
            throw Fault.Invalid(requestField, $"{requestField}: '{field.FullName}' has no part '{path[1]}'");
        }
        else if (field.MessageType == Struct.Descriptor)
        {
            CopyStruct(field.Accessor.GetValue(source) as Struct, StructOf(target, field), path[1..], requestField);
        }
        else
        {
            IMessage inner = field.Accessor.GetValue(source) as IMessage ?? Empty(field);
            bool isUnset = field.Accessor.GetValue(target) is null;
            IMessage innerTarget = field.Accessor.GetValue(target) as IMessage ?? Empty(field);
            Copy(inner, innerTarget, path[1..], requestField);
            if (isUnset && innerTarget.CalculateSize() > 0)
            {
                field.Accessor.SetValue(target, innerTarget);
            }
        }
    }

    /// <summary>The number at a path and the field that holds it; the field is null inside a Struct.</summary>
    public static (object? Number, FieldDescriptor? Field) Number(IMessage message, ReadOnlySpan<string> path, string requestField)
    {
        FieldDescriptor field = Field(message.Descriptor, path[0], requestField);
        object? value = field.IsRepeated ? null : field.Accessor.GetValue(message);
        if (path.Length == 1)
        {
            return value is int or long or uint or ulong or float or double ? (value, field) : throw NoNumber(field.Name, requestField);
        }

        return value switch
        {
            Struct inside => (StructNumber(inside, path[1..], requestField), null),
            IMessage inner => Number(inner, path[1..], requestField),
            null when field is { FieldType: FieldType.Message, IsRepeated: false } => Number(Empty(field), path[1..], requestField),
            _ => throw NoNumber(string.Join('.', path.ToArray()), requestField),
        };
    }

    /// <summary>Sets the number at a path that <see cref="Number"/> has walked.</summary>
    public static void SetNumber(IMessage message, ReadOnlySpan<string> path, object number, string requestField)
    {
        FieldDescriptor field = Field(message.Descriptor, path[0], requestField);
        if (path.Length == 1)
        {
            field.Accessor.SetValue(message, number);
            return;
        }

        if (field.MessageType == Struct.Descriptor)
        {
            Struct inside = StructOf(message, field);
            for (int part = 1; part < path.Length - 1; part++)
            {
                inside = inside.Fields[path[part]].StructValue;
            }

            inside.Fields[path[^1]] = Value.ForNumber((double)number);
            return;
        }

        IMessage inner = field.Accessor.GetValue(message) as IMessage ?? Empty(field);
        SetNumber(inner, path[1..], number, requestField);
        field.Accessor.SetValue(message, inner);
    }

    private static double StructNumber(Struct inside, ReadOnlySpan<string> path, string requestField)
    {
        bool isThere = inside.Fields.TryGetValue(path[0], out Value? value);
        return (isThere, path.Length, value?.KindCase) switch
        {
            (true, 1, Value.KindOneofCase.NumberValue) => value!.NumberValue,
            (true, > 1, Value.KindOneofCase.StructValue) => StructNumber(value!.StructValue, path[1..], requestField),
            _ => throw NoNumber(string.Join('.', path.ToArray()), requestField),
        };
    }

    private static void CopyWhole(IMessage source, IMessage target, FieldDescriptor field)
    {
        if (field.IsMap)
        {
            var entries = (IDictionary)field.Accessor.GetValue(target);
            entries.Clear();
            foreach (DictionaryEntry entry in (IDictionary)field.Accessor.GetValue(source))
            {
                entries.Add(entry.Key, entry.Value);
            }
        }
        else if (field.IsRepeated)
        {
            var elements = (IList)field.Accessor.GetValue(target);
            elements.Clear();
            foreach (object element in (IList)field.Accessor.GetValue(source))
            {
                elements.Add(element);
            }
        }
        else if (IsSet(source, field))
        {
            field.Accessor.SetValue(target, field.Accessor.GetValue(source));
        }
        else
        {
            field.Accessor.Clear(target);
        }
    }

    private static bool IsSet(IMessage message, FieldDescriptor field) =>
        field.HasPresence ? field.Accessor.HasValue(message) : field.Accessor.GetValue(message) is not null;

    private static void CopyEntry(IDictionary source, IDictionary target, FieldDescriptor field, ReadOnlySpan<string> path, string requestField)
    {
        if (field.MessageType.FindFieldByNumber(1).FieldType != FieldType.String)
        {
            throw Fault.Invalid(requestField, $"{requestField}: '{field.FullName}' is a map whose keys are not text; name the whole map");
        }

        string key = string.Join('.', path[1..].ToArray());
        if (source.Contains(key))
        {
            target[key] = source[key];
        }
        else
        {
            target.Remove(key);
        }
    }

    private static void CopyStruct(Struct? source, Struct target, ReadOnlySpan<string> path, string requestField)
    {
        Value? value = null;
        bool isThere = source?.Fields.TryGetValue(path[0], out value) == true;
        if (path.Length == 1)
        {
            if (isThere)
            {
                target.Fields[path[0]] = value!;
            }
            else
            {
                target.Fields.Remove(path[0]);
            }

            return;
        }

        if (!target.Fields.TryGetValue(path[0], out Value? inner) || inner.KindCase != Value.KindOneofCase.StructValue)
        {
            inner = Value.ForStruct(new Struct());
            target.Fields[path[0]] = inner;
        }

        CopyStruct(isThere && value!.KindCase == Value.KindOneofCase.StructValue ? value.StructValue : null, inner.StructValue, path[1..], requestField);
    }

    private static Struct StructOf(IMessage message, FieldDescriptor field)
    {
        if (field.Accessor.GetValue(message) is Struct there)
        {
            return there;
        }

        var made = new Struct();
        field.Accessor.SetValue(message, made);
        return made;
    }

    private static IMessage Empty(FieldDescriptor field) => field.MessageType.Parser.ParseFrom(ByteString.Empty);

    private static FieldDescriptor Field(MessageDescriptor message, string name, string requestField) =>
        message.FindFieldByName(name) ?? throw Fault.Invalid(requestField, $"{requestField}: {message.FullName} has no field '{name}'");

    private static Fault NoNumber(string path, string requestField) => Fault.Invalid(requestField, $"{requestField}: there is no number at '{path}'");
}
