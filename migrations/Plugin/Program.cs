using Auraed.Migrations;
using Auraed.Migrations.Plugin;
using Google.Protobuf;

// Options, joined by commas: check=DIR compares with the snapshots in DIR; tables_only writes the tables without the list of them all.
var request = CodeGeneratorRequest.Parser.WithExtensionRegistry(Descriptors.Registry).ParseFrom(Console.OpenStandardInput());
var response = new CodeGeneratorResponse { SupportedFeatures = 1 };
try
{
    var options = request.Parameter.Split(',', StringSplitOptions.RemoveEmptyEntries);
    var descriptors = new Descriptors(request.ProtoFile);
    var model = ModelReader.Read(descriptors);
    if (options.FirstOrDefault(static o => o.StartsWith("check=", StringComparison.Ordinal)) is { } check)
    {
        Snapshots.Check(check["check=".Length..], model, descriptors);
    }

    var wanted = request.FileToGenerate.ToHashSet();
    var own = descriptors.MessagesOf(wanted).ToHashSet();
    var tables = new SchemaModel([.. model.Tables.Where(t => own.Contains(t.TypeName))]);
    response.File.Add(new CodeGeneratorResponse.Types.File
    {
        Name = "Tables.g.cs",
        Content = new TablesFile(descriptors, tables).Write(withList: !options.Contains("tables_only")),
    });
}
catch (SchemaException wrong)
{
    response.Error = wrong.Message;
}

using var output = Console.OpenStandardOutput();
response.WriteTo(output);
