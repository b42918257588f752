using System.Text.Json.Nodes;
using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Tests.Support;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Auraed.Tests.Upgrade;

/// <summary>Files of every data version there has been open with this binary, and hold what they held.</summary>
public sealed class UpgradeTests : IDisposable
{
    private readonly StoreFixture _fixture = new();

    public static TheoryData<string> Versions => [.. UpgradeFile.Versions];

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task The_present_data_version_has_a_file()
    {
        if (Environment.GetEnvironmentVariable("AURAE_UPGRADE") == "write")
        {
            await UpgradeFile.WriteAsync();
        }

        Assert.Contains(Migration.Embedded[^1].Version.ToString(), UpgradeFile.Versions);
    }

    [Fact]
    public void Every_type_is_in_the_file_with_every_field_and_with_none()
    {
        foreach (var table in Tables.All)
        {
            var bodies = UpgradeRecords.All.Where(body => body.Descriptor == table.Message).ToList();
            Assert.All(table.Message.Fields.InFieldNumberOrder(), field => Assert.True(bodies.Any(body => IsSet(body, field)), $"{table.Name}.{field.Name} is set in a record"));
            Assert.Contains(bodies, body => !table.Message.Fields.InFieldNumberOrder().Any(field => field.Name != table.Key.Name && !IsReference(table, field) && IsSet(body, field)));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_record_of_the_file_is_read_back_field_by_field(string version)
    {
        Take(version);
        await using var database = _fixture.Open();
        await HoldsAsync(database, version);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_step_to_a_later_version_keeps_the_records_and_makes_a_snapshot_first(string version)
    {
        Take(version);
        var later = Next(Migration.Embedded[^1].Version.Major, "ALTER TABLE virtual_machine ADD COLUMN later TEXT NOT NULL DEFAULT 'x';");
        await using (var database = Database.Open(_fixture.Options with { Migrations = later }))
        {
            Assert.Equal("x", await TableRows.TextAsync(database, "SELECT DISTINCT later FROM virtual_machine"));
            await HoldsAsync(database, version);
        }

        var snapshot = Assert.Single(Directory.GetFiles(Path.Combine(_fixture.Library, "snapshots")));
        Assert.True(Maintenance.Verify(snapshot, _fixture.KeyPath, null, CancellationToken.None).IsSound);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_file_goes_down_to_the_first_step_and_up_again_and_its_snapshot_brings_all_back(string version)
    {
        Take(version);
        var events = (long)UpgradeFile.ExpectedOf(version)["events"]!;
        Assert.True(Maintenance.Migrate(_fixture.Options, 1).IsDown);
        var snapshot = Directory.GetFiles(Path.Combine(_fixture.Library, "snapshots")).Order(StringComparer.Ordinal).Last();
        await using (var database = _fixture.Open())
        {
            Assert.Equal("0", await TableRows.TextAsync(database, "SELECT count(*) FROM virtual_machine"));
            Assert.Equal(events, database.Durable);
            Assert.True((await database.VerifyAsync(null, CancellationToken.None)).IsSound);
        }

        Maintenance.Restore(_fixture.Options, snapshot, null, CancellationToken.None);
        await using var restored = _fixture.Open();
        await HoldsAsync(restored, version);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_file_of_a_newer_major_version_is_refused_untouched(string version)
    {
        Take(version);
        var newer = Next(Migration.Embedded[^1].Version.Major + 1, "CREATE TABLE newer (a INTEGER PRIMARY KEY) STRICT;");
        await using (Database.Open(_fixture.Options with { Migrations = newer }))
        {
        }

        var before = Content();
        Assert.Equal("NEWER_DATA", Assert.Throws<Fault>(() => _fixture.Open()).Reason);
        Assert.Equal("NEWER_DATA", Assert.Throws<Fault>(() => Maintenance.Migrate(_fixture.Options, null)).Reason);
        Assert.Equal(before, Content());
    }

    private static bool IsSet(IMessage body, FieldDescriptor field) => field.HasPresence
        ? field.Accessor.HasValue(body)
        : field.IsMap || field.IsRepeated ? ((System.Collections.ICollection)field.Accessor.GetValue(body)).Count > 0
        : !(field.Accessor.GetValue(body) is "" or 0 or 0u or 0L or 0ul or false || (field.FieldType == FieldType.Enum && (int)field.Accessor.GetValue(body) == 0));

    private static bool IsReference(RecordTable table, FieldDescriptor field) => table.Columns.Any(column => column.FieldNumber == field.FieldNumber && column.Reference is not null);

    private static IReadOnlyList<Migration> Next(int major, string up)
    {
        var last = Migration.Embedded[^1];
        var version = major > last.Version.Major ? new Version(major, 0, 0) : new Version(major, last.Version.Minor + 1, 0);
        return [.. Migration.Embedded, new Migration(last.Number + 1, "next", version, up, null)];
    }

    private void Take(string version)
    {
        Directory.CreateDirectory(_fixture.Library);
        File.WriteAllText(_fixture.KeyPath, UpgradeFile.KeyPem);
        File.Copy(UpgradeFile.DatabaseOf(version), _fixture.DatabasePath);
    }

    /// <summary>Every file of the directory that holds data, by its bytes; the lock and the log's index hold none, nor does an empty log.</summary>
    private string Content() => string.Join('\n', Directory.GetFiles(_fixture.Library, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Where(path => Path.GetFileName(path) is not ("aurae.lock" or "aurae.db-shm") && new FileInfo(path).Length > 0)
        .Select(path => $"{path} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}"));

    private static async Task HoldsAsync(Database database, string version)
    {
        var expected = UpgradeFile.ExpectedOf(version);
        Assert.Equal((long)expected["events"]!, database.Durable);
        Assert.Equal((string)expected["last_hash"]!, await UpgradeFile.LastHashAsync(database));
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        var all = expected["records"]!.AsArray();
        Assert.NotEmpty(all);
        foreach (var node in all)
        {
            var (record, wire) = (node!["record"]!.AsObject(), (string)node["wire"]!);
            var table = Tables.ByTypeName[((string)record["type"]!)];
            var found = await records.GetAsync((string)record["tenant"]!, table, (string)record["name"]!, null, null, CancellationToken.None);
            var actual = UpgradeFile.ToJson(found)["record"]!.AsObject();
            Same(record, actual, table.Name);
            var (was, now) = (table.Parse(ByteString.FromBase64(wire)), table.Parse(found.Body.Value));
            Assert.All(table.Message.Fields.InFieldNumberOrder(), field => Assert.Equal(field.Accessor.GetValue(was), field.Accessor.GetValue(now)));
            Assert.Equal(was, now);
        }

        foreach (var table in Tables.All)
        {
            var count = all.Count(node => (string)node!["record"]!["type"]! == table.TypeName);
            Assert.Equal($"{count}", await TableRows.TextAsync(database, $"SELECT count(*) FROM \"{table.Name}\""));
        }

        var report = await database.VerifyAsync(null, CancellationToken.None);
        Assert.True(report.IsSound, string.Join('\n', report.Findings));
        Assert.Equal((long)expected["events"]!, report.Events);
    }

    private static void Same(JsonObject expected, JsonObject actual, string where)
    {
        Assert.Equal(expected.Select(pair => pair.Key).Order(StringComparer.Ordinal), actual.Select(pair => pair.Key).Order(StringComparer.Ordinal));
        foreach (var (name, value) in expected)
        {
            if (value is JsonObject inner && actual[name] is JsonObject other)
            {
                Same(inner, other, $"{where}.{name}");
                continue;
            }

            Assert.True(JsonNode.DeepEquals(value, actual[name]), $"{where}.{name}: {value?.ToJsonString()} is read back as {actual[name]?.ToJsonString()}");
        }
    }
}
