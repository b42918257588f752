using Aurae.Store.V0;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Auraed.Migrations;

/// <summary>Messages and enums of a descriptor set, by full name; reads them with the store's annotations.</summary>
public sealed class Descriptors
{
    /// <summary>The parser's registry without which the annotations would be unknown fields.</summary>
    public static readonly ExtensionRegistry Registry = [StoreExtensions.Table, StoreExtensions.Column];

    private readonly Dictionary<string, DescriptorProto> _messages = [];
    private readonly Dictionary<string, string> _csharp = [];
    private readonly Dictionary<string, EnumDescriptorProto> _enums = [];
    private readonly List<string> _order = [];

    public Descriptors(IEnumerable<FileDescriptorProto> files)
    {
        Files = [.. files];
        foreach (var file in Files)
        {
            var space = file.Options?.CsharpNamespace is { Length: > 0 } given ? given : CSharpNames.Namespace(file.Package);
            var prefix = file.Package.Length > 0 ? file.Package + "." : "";
            Add(file.MessageType, file.EnumType, prefix, "global::" + space + ".");
        }
    }

    public IReadOnlyList<FileDescriptorProto> Files { get; }

    /// <summary>Full names in the order of the files.</summary>
    public IReadOnlyList<string> Messages => _order;

    /// <summary>Full names of the messages of these files.</summary>
    public IEnumerable<string> MessagesOf(IReadOnlySet<string> files) => new Descriptors(Files.Where(f => files.Contains(f.Name))).Messages;

    public IReadOnlyDictionary<string, EnumDescriptorProto> Enums => _enums;

    public static Descriptors Parse(ReadOnlySpan<byte> descriptorSet) =>
        new(FileDescriptorSet.Parser.WithExtensionRegistry(Registry).ParseFrom(descriptorSet).File);

    /// <summary>From serialized files, as generated code carries them.</summary>
    public static Descriptors Parse(IEnumerable<ByteString> files) =>
        new(files.Select(static bytes => FileDescriptorProto.Parser.WithExtensionRegistry(Registry).ParseFrom(bytes)));

    public DescriptorProto Message(string fullName) =>
        _messages.GetValueOrDefault(fullName) ?? throw new SchemaException($"message {fullName} is in none of the files");

    /// <summary>The C# type, from <c>global::</c> on.</summary>
    public string CSharpType(string fullName) => _csharp[fullName];

    /// <summary>A map's entry message, or null.</summary>
    public DescriptorProto? MapEntry(FieldDescriptorProto field) =>
        field.Type == FieldDescriptorProto.Types.Type.Message && field.Label == FieldDescriptorProto.Types.Label.Repeated
        && _messages.TryGetValue(field.TypeName[1..], out var message) && message.Options?.MapEntry == true ? message : null;

    private void Add(IEnumerable<DescriptorProto> messages, IEnumerable<EnumDescriptorProto> enums, string prefix, string csharp)
    {
        foreach (var type in enums)
        {
            _enums[prefix + type.Name] = type;
            _csharp[prefix + type.Name] = csharp + type.Name;
        }

        foreach (var message in messages)
        {
            var name = prefix + message.Name;
            _messages[name] = message;
            _csharp[name] = csharp + message.Name;
            _order.Add(name);
            Add(message.NestedType, message.EnumType, name + ".", csharp + message.Name + ".Types.");
        }
    }
}
