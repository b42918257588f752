using Aurae.Schema;
using Auraed.Migrations;
using Auraed.Migrations.Compiler;
using Auraed.Store;
using Auraed.Tests.Support;
using Google.Protobuf;

namespace Auraed.Tests.Contract;

/// <summary>A message with a field of every type, each kind of presence, and each annotation.</summary>
public sealed class SchemaTypes : IAsyncLifetime
{
    private static readonly Lazy<CompiledMessages> Compiled = new(static () => CompiledMessages.Compile(Proto()));

    private readonly StoreFixture _store = new();
    private Database _database = null!;

    private static readonly string[] Scalars = ["bool", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "float", "double", "string", "bytes", "Color"];

    public Task InitializeAsync()
    {
        var script = MigrationScript.Between(new SchemaModel([]), ModelReader.Read(Compiled.Value.Descriptors), new Version(1, 0, 0))!;
        _database = Database.Open(_store.Options with { Migrations = [Migration.Embedded[0], Migration.Parse(2, "zoo", script.Up, script.Down)] });
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _database.DisposeAsync();
        _store.Dispose();
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"f_bool": true, "f_int32": -2147483648, "f_int64": "-9223372036854775808", "f_uint32": 4294967295, "f_uint64": "18446744073709551615", "f_sint32": -1, "f_sint64": "-1", "f_fixed32": 4294967295, "f_fixed64": "18446744073709551615", "f_sfixed32": -1, "f_sfixed64": "-1", "f_float": 3.4028235e38, "f_double": 5e-324, "f_string": "x", "f_bytes": "AAEC", "f_color": "RED"}""")]
    [InlineData("""{"o_bool": false, "o_int32": 0, "o_int64": "0", "o_uint32": 0, "o_uint64": "0", "o_sint32": 0, "o_sint64": "0", "o_fixed32": 0, "o_fixed64": "0", "o_sfixed32": 0, "o_sfixed64": "0", "o_float": 0, "o_double": 0, "o_string": "", "o_bytes": "", "o_color": "NONE"}""")]
    [InlineData("""{"r_bool": [true, false], "r_int64": ["-9223372036854775808", "9223372036854775807"], "r_uint64": ["18446744073709551615"], "r_float": ["NaN", "Infinity", 0.1], "r_double": ["-Infinity", 0.1], "r_string": ["", "\"", "☃"], "r_bytes": ["", "/w=="], "r_color": ["RED", 9]}""")]
    [InlineData("""{"inner": {"f_uint64": "18446744073709551615", "o_string": "", "inner": {"inner": {"at": "2026-11-20T22:00:00.000000001Z"}}}}""")]
    [InlineData("""{"at": "1969-12-31T23:59:59.999999999Z", "span": "-1.000000001s"}""")]
    [InlineData("""{"at": "2262-04-11T23:47:16.854775807Z", "span": "0s"}""")]
    [InlineData("""{"names": {"": "a", "b": ""}, "counts": {"-5": {"f_bool": true}}, "truths": {"true": 1.5, "false": 0}}""")]
    [InlineData("""{"one_text": ""}""")]
    [InlineData("""{"one_inner": {}}""")]
    [InlineData("""{"vector": "AACAPwAAAEA="}""")]
    public async Task Every_type_comes_back_as_it_was(string json)
    {
        var message = Compiled.Value.Message("Zoo", json);
        Compiled.Value.Table("Zoo").SetKey(message, "z");
        await TableRows.RoundTripAsync(_database, Compiled.Value.Table("Zoo"), message);
    }

    [Fact]
    public void Values_that_no_column_holds_are_refused()
    {
        foreach (var json in new[] { """{"f_double": "NaN"}""", """{"o_float": "NaN"}""", """{"vector": "AAAA"}""", """{"f_string": "\u0000"}""", """{"names": {"\u0000": ""}}""" })
        {
            var table = Compiled.Value.Table("Zoo");
            Assert.Throws<FieldValueException>(() => table.Bind(Compiled.Value.Message("Zoo", json), new Refusing(), 0));
        }
    }

    [Fact]
    public async Task Unique_and_immutable_columns_are_held_by_the_engine()
    {
        var table = Compiled.Value.Table("Zoo");
        await TableRows.InsertAsync(_database, table, Compiled.Value.Message("Zoo", """{"id": "a", "code": "x"}"""));
        await TableRows.InsertAsync(_database, table, Compiled.Value.Message("Zoo", """{"id": "b"}"""));
        await TableRows.InsertAsync(_database, table, Compiled.Value.Message("Zoo", """{"id": "c"}"""));
        await Assert.ThrowsAnyAsync<Exception>(() => TableRows.InsertAsync(_database, table, Compiled.Value.Message("Zoo", """{"id": "d", "code": "x"}""")));
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => ExecuteAsync("UPDATE zoo SET serial = 2 WHERE id = 'a'"));
        Assert.Contains("zoo.serial is immutable", refused.ToString(), StringComparison.Ordinal);
        await ExecuteAsync("UPDATE zoo SET serial = serial WHERE id = 'a'");
    }

    [Fact]
    public async Task A_deleted_target_unsets_the_reference_and_keeps_the_record()
    {
        var table = Compiled.Value.Table("Zoo");
        await TableRows.InsertAsync(_database, table, Compiled.Value.Message("Zoo", """{"id": "a"}"""));
        await TableRows.InsertAsync(_database, table, Compiled.Value.Message("Zoo", """{"id": "b", "friend": "a"}"""));
        await ExecuteAsync("DELETE FROM zoo WHERE id = 'a'");
        Assert.Equal("b|NULL", await TableRows.TextAsync(_database, "SELECT id, friend FROM zoo"));
    }

    [Theory]
    [InlineData("optional string friend = 9 [(aurae.store.v0.column).references = {type: \"test.zoo.v0.Zoo\"}];", "a reference is a string without `optional`")]
    [InlineData("string friend = 9 [(aurae.store.v0.column).references = {type: \"test.zoo.v0.Nobody\"}];", "which is no record")]
    [InlineData("string tenant = 9;", "every table has a column of that name already")]
    [InlineData("int32 child = 9 [(aurae.store.v0.column).child = true];", "a child is a message or a list of messages")]
    [InlineData("string text = 9 [(aurae.store.v0.column).json = true];", "json is for messages, lists and maps")]
    public void An_annotation_that_makes_no_table_is_refused_by_its_field(string field, string reason)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["zoo.proto"], Head + "message Zoo { option (aurae.store.v0.table) = {name: \"zoo\", key: \"id\"}; string id = 1; " + field + " }");
        var refused = Assert.Throws<SchemaException>(() => ModelReader.Read(Protoc.Describe(directory.Path, Repository.Path("api"))));
        Assert.StartsWith("test.zoo.v0.Zoo.", refused.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    private const string Head = """
        syntax = "proto3";
        package test.zoo.v0;
        option csharp_namespace = "Test.Zoo.V0";
        import "aurae/store/v0/store.proto";
        import "google/protobuf/duration.proto";
        import "google/protobuf/timestamp.proto";

        """;

    private static string Proto()
    {
        string Fields(int first) => string.Concat(Scalars.Select((type, i) =>
            $"{type} f_{type.ToLowerInvariant()} = {first + i}; optional {type} o_{type.ToLowerInvariant()} = {first + 20 + i}; repeated {type} r_{type.ToLowerInvariant()} = {first + 40 + i};\n"));
        return Head + $$"""
            enum Color { NONE = 0; RED = 1; }
            message Zoo {
              option (aurae.store.v0.table) = {name: "zoo", key: "id"};
              string id = 1;
              Inner inner = 2;
              google.protobuf.Timestamp at = 3;
              google.protobuf.Duration span = 4;
              map<string, string> names = 5;
              map<sint64, Inner> counts = 6;
              map<bool, double> truths = 7;
              oneof one { string one_text = 8; Inner one_inner = 9; }
              bytes vector = 10 [(aurae.store.v0.column).vector_dimensions = 2];
              string code = 11 [(aurae.store.v0.column).unique = true];
              int32 serial = 12 [(aurae.store.v0.column).immutable = true];
              string friend = 13 [(aurae.store.v0.column).references = {type: "test.zoo.v0.Zoo", on_delete: SET_NULL}];
              {{Fields(100)}}
            }
            message Inner { Inner inner = 1; google.protobuf.Timestamp at = 2; {{Fields(100)}} }
            """;
    }

    private Task<int> ExecuteAsync(string sql) => _database.WriteAsync(unit => unit.Prepare(sql).Execute(), default);

    private sealed class Refusing : IColumnWriter
    {
        public void Integer(int index, long value)
        {
        }

        public void Real(int index, double value) => Assert.False(double.IsNaN(value));

        public void Text(int index, string value) => Assert.DoesNotContain('\0', value);

        public void Text(int index, ReadOnlySpan<byte> utf8)
        {
        }

        public void Blob(int index, ReadOnlySpan<byte> value)
        {
        }

        public void Null(int index)
        {
        }
    }
}
