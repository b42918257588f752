using System.Reflection;
using Aurae.Schema;
using Auraed.Migrations;
using Auraed.Migrations.Compiler;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Auraed.Tests.Support;

/// <summary>A proto file's messages and tables, made as the build makes them: protoc, the plugin, the C# compiler.</summary>
internal sealed class CompiledMessages
{
    private readonly Assembly _assembly;

    private CompiledMessages(Assembly assembly, Descriptors descriptors)
    {
        _assembly = assembly;
        Descriptors = descriptors;
    }

    public Descriptors Descriptors { get; }

    public static string Plugin { get; } = Path.GetFullPath(AppContext.BaseDirectory.TrimEnd('/').Replace("/bin/Tests/", "/bin/Plugin/", StringComparison.Ordinal) + "/protoc-gen-aurae");

    public static CompiledMessages Compile(string proto)
    {
        using var directory = new TemporaryDirectory();
        var api = Repository.Path("api");
        var (source, output) = (directory["proto"], directory["code"]);
        Directory.CreateDirectory(source);
        Directory.CreateDirectory(output);
        File.WriteAllText(Path.Combine(source, "extra.proto"), proto);
        Protoc.Run([$"--csharp_out={output}", $"--plugin=protoc-gen-aurae={Plugin}", $"--aurae_out={output}", "--aurae_opt=tables_only", $"-I{source}", $"-I{api}", $"-I{Protoc.Imports}", "extra.proto"]);
        var trees = Directory.GetFiles(output, "*.cs").Select(static file => CSharpSyntaxTree.ParseText(File.ReadAllText(file), new CSharpParseOptions(LanguageVersion.Latest)));
        var compilation = CSharpCompilation.Create("Extra" + Guid.NewGuid().ToString("N"), trees, References(), new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        using var image = new MemoryStream();
        var emitted = compilation.Emit(image);
        Assert.True(emitted.Success, string.Join('\n', emitted.Diagnostics.Where(static d => d.Severity == DiagnosticSeverity.Error)));
        return new CompiledMessages(Assembly.Load(image.ToArray()), Protoc.Describe(source, api));
    }

    public RecordTable Table(string message) =>
        (RecordTable)_assembly.GetType($"Aurae.Schema.{message}Table", throwOnError: true)!.GetProperty("Instance")!.GetValue(null)!;

    /// <summary>A message from its proto JSON.</summary>
    public IMessage Message(string message, string json)
    {
        var table = Table(message);
        return JsonParser.Default.Parse(json, table.Message);
    }

    public static object Get(IMessage message, string field) => Field(message, field).Accessor.GetValue(message);

    public static void Set(IMessage message, string field, object value) => Field(message, field).Accessor.SetValue(message, value);

    private static FieldDescriptor Field(IMessage message, string field) => message.Descriptor.FindFieldByName(field);

    private static IEnumerable<MetadataReference> References() =>
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Concat(AppDomain.CurrentDomain.GetAssemblies().Where(static a => !a.IsDynamic && a.Location.Length > 0).Select(static a => a.Location))
            .Where(static path => Path.GetFileName(path) is var name && (name.StartsWith("System.", StringComparison.Ordinal) || name is "Google.Protobuf.dll" or "Aurae.Api.dll" or "netstandard.dll"))
            .DistinctBy(Path.GetFileName)
            .Select(static path => MetadataReference.CreateFromFile(path));
}
