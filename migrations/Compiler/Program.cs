using Auraed.Migrations;
using Auraed.Migrations.Compiler;

if (args is not [var root, var directory, var name])
{
    Console.Error.WriteLine("usage: schema-compiler API_DIRECTORY MIGRATIONS_DIRECTORY NAME");
    return 2;
}

try
{
    var written = MigrationFiles.Write(directory, name, Protoc.Describe(root));
    Console.WriteLine(written ?? "the tables have not moved since the last migration; the wire's baseline is up to date");
    return 0;
}
catch (SchemaException wrong)
{
    Console.Error.WriteLine("error: " + wrong.Message);
    return 1;
}
