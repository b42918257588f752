using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Records;
using Auraed.Tests.Support;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Upgrade;

/// <summary>
/// A database as a version of the daemon left it, and what its records are. Tracked beside this file:
/// <code>
/// aurae-1.1.0.db     the encrypted file of data version 1.1.0
/// aurae-1.1.0.json   the number of its events, the hash of the last, and each record: as JSON for the reader, and the body's wire bytes
/// </code>
/// `make upgrade-file` writes the pair of the present data version. A pair of a released version is never written again.
/// </summary>
internal static class UpgradeFile
{
    public const string Principal = "operator";

    private static readonly JsonFormatter Formatter = new(
        new JsonFormatter.Settings(formatDefaultValues: false, TypeRegistry.FromFiles(Tables.All.Select(table => table.Message.File).Append(Record.Descriptor.File))));

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private static readonly DateTimeOffset Start = new(2026, 3, 14, 15, 9, 26, 535, TimeSpan.Zero);

    private static string Folder => Repository.Path("tests/Upgrade");

    /// <summary>The data versions that there are files of.</summary>
    public static IEnumerable<string> Versions => Directory.GetFiles(Folder, "aurae-*.db").Select(path => Path.GetFileNameWithoutExtension(path)["aurae-".Length..]).Order(StringComparer.Ordinal);

    public static string DatabaseOf(string version) => Path.Combine(Folder, $"aurae-{version}.db");

    public static JsonObject ExpectedOf(string version) => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, $"aurae-{version}.json")))!.AsObject();

    /// <summary>The secret key of test 1 in RFC 8032, section 7.1, in the form of RFC 8410, section 7: published, and the key of nothing but these files.</summary>
    public static string KeyPem => PemEncoding.WriteString(
        "PRIVATE KEY",
        Convert.FromHexString("302e020100300506032b657004220420" + "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));

    public static JsonObject ToJson(Record record) => new()
    {
        ["record"] = JsonNode.Parse(Formatter.Format(record)),
        ["wire"] = record.Body.Value.ToBase64(),
    };

    /// <summary>Writes the pair of the present data version.</summary>
    public static async Task WriteAsync()
    {
        using var fixture = new StoreFixture();
        await File.WriteAllTextAsync(fixture.KeyPath, KeyPem);
        var version = Migration.Embedded[^1].Version.ToString();
        var copy = fixture.DatabasePath + ".copy";
        var expected = new JsonObject();
        var time = new FixedTime(Start);
        await using (var database = Database.Open(fixture.Options with { Time = time }))
        {
            var records = await RecordStore.OpenAsync(database, time, CancellationToken.None);
            await FillAsync(records, time);
            expected["events"] = database.Durable;
            expected["last_hash"] = await LastHashAsync(database);
            expected["records"] = new JsonArray([.. await AllAsync(records)]);
            await database.BackupAsync(copy, null, CancellationToken.None);
        }

        File.Copy(copy, DatabaseOf(version), overwrite: true);
        await File.WriteAllTextAsync(Path.ChangeExtension(DatabaseOf(version), ".json"), expected.ToJsonString(Indented) + "\n");
    }

    public static Task<string> LastHashAsync(Database database) => TableRows.TextAsync(database, "SELECT lower(hex(hash)) FROM event ORDER BY sequence DESC LIMIT 1");

    /// <summary>Creates, changes and deletes, of two tenants, one by one and many in a commit, one with a request id.</summary>
    private static async Task FillAsync(RecordStore records, FixedTime time)
    {
        var requests = new RecordRequests(records.Ids);
        var call = new RecordCall(RecordNames.DefaultTenant, Principal);
        foreach (var body in UpgradeRecords.All)
        {
            time.Move(TimeSpan.FromSeconds(1.000000100));
            await records.CreateAsync(call, requests.Create(new CreateRecordRequest { Record = UpgradeRecords.Draft(body) }, call.Tenant), CancellationToken.None);
        }

        time.Move(TimeSpan.FromHours(1));
        var changed = UpgradeRecords.Draft(UpgradeRecords.Changed);
        await records.UpdateAsync(call, requests.Update(new UpdateRecordRequest { Record = changed }, call.Tenant), CancellationToken.None);
        var commit = new CommitRequest
        {
            Operations =
            {
                new Operation { Create = new CreateOperation { Record = UpgradeRecords.Draft(UpgradeRecords.Passing) } },
                new Operation { Delete = new DeleteOperation { Type = "virtual_machine", Name = UpgradeRecords.Passing.Id } },
            },
        };
        await records.CommitAsync(call, requests.Commit(commit, call.Tenant), CancellationToken.None);
        var other = new RecordCall("acme", Principal, "request-1", [1, 2, 3]);
        await records.CreateAsync(other, requests.Create(new CreateRecordRequest { Record = UpgradeRecords.Draft(UpgradeRecords.Passing) }, other.Tenant), CancellationToken.None);
    }

    private static async Task<List<JsonNode?>> AllAsync(RecordStore records)
    {
        var all = new List<JsonNode?>();
        foreach (var tenant in new[] { RecordNames.DefaultTenant, "acme" })
        {
            foreach (var table in Tables.All)
            {
                var page = await records.ListAsync(RecordRequests.List(new ListRecordsRequest { Tenant = tenant, Type = table.Name }), CancellationToken.None);
                all.AddRange(page.Records.Select(ToJson));
            }
        }

        return all;
    }
}
