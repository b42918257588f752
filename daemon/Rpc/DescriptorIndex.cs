using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Auraed.Rpc;

/// <summary>The files behind the served services and all that they import, found by name, by symbol and by extension.</summary>
public sealed class DescriptorIndex
{
    private readonly Dictionary<string, FileDescriptor> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileDescriptor> _symbols = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Type, int Number), FileDescriptor> _extensions = [];

    public DescriptorIndex(IEnumerable<ServiceDescriptor> services)
    {
        Services = [.. services.Select(service => service.FullName).Order(StringComparer.Ordinal)];
        foreach (var file in services.Select(service => service.File))
        {
            AddFile(file);
        }
    }

    public IReadOnlyList<string> Services { get; }

    public FileDescriptor? FileNamed(string name) => _files.GetValueOrDefault(name);

    public FileDescriptor? FileOfSymbol(string symbol) => _symbols.GetValueOrDefault(symbol.TrimStart('.'));

    public FileDescriptor? FileOfExtension(string type, int number) => _extensions.GetValueOrDefault((type.TrimStart('.'), number));

    public bool IsType(string type) => _symbols.ContainsKey(type.TrimStart('.'));

    public IEnumerable<int> ExtensionsOf(string type) =>
        _extensions.Keys.Where(key => key.Type == type.TrimStart('.')).Select(key => key.Number).Order();

    /// <summary>The file and its imports, each once, imports first.</summary>
    public static IReadOnlyList<ByteString> WithImports(FileDescriptor file)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        var files = new List<ByteString>();
        Visit(file);
        return files;

        void Visit(FileDescriptor next)
        {
            if (done.Add(next.Name))
            {
                foreach (var import in next.Dependencies)
                {
                    Visit(import);
                }

                files.Add(next.SerializedData);
            }
        }
    }

    private void AddFile(FileDescriptor file)
    {
        if (!_files.TryAdd(file.Name, file))
        {
            return;
        }

        foreach (var service in file.Services)
        {
            _symbols[service.FullName] = file;
            foreach (var method in service.Methods)
            {
                _symbols[method.FullName] = file;
            }
        }

        foreach (var message in file.MessageTypes)
        {
            AddMessage(message);
        }

        foreach (var type in file.EnumTypes)
        {
            AddEnum(type);
        }

        foreach (var extension in file.Extensions.UnorderedExtensions)
        {
            AddExtension(extension);
        }

        foreach (var import in file.Dependencies)
        {
            AddFile(import);
        }
    }

    private void AddMessage(MessageDescriptor message)
    {
        _symbols[message.FullName] = message.File;
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            _symbols[field.FullName] = message.File;
        }

        foreach (var oneof in message.Oneofs)
        {
            _symbols[oneof.FullName] = message.File;
        }

        foreach (var nested in message.NestedTypes)
        {
            AddMessage(nested);
        }

        foreach (var type in message.EnumTypes)
        {
            AddEnum(type);
        }

        foreach (var extension in message.Extensions.UnorderedExtensions)
        {
            AddExtension(extension);
        }
    }

    private void AddEnum(EnumDescriptor type)
    {
        _symbols[type.FullName] = type.File;
        foreach (var value in type.Values)
        {
            _symbols[value.FullName] = type.File;
        }
    }

    private void AddExtension(FieldDescriptor extension)
    {
        _symbols[extension.FullName] = extension.File;
        _extensions[(extension.ExtendeeType.FullName, extension.FieldNumber)] = extension.File;
    }
}
