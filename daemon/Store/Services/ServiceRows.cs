using Aurae.Schema;
using Aurae.Services.V0;
using Auraed.Store.Records;

namespace Auraed.Store.Services;

/// <summary>Reads services and their versions in bulk; writing is the records' own.</summary>
public static class ServiceRows
{
    private static readonly RecordTable Services = Tables.ByTypeName[Service.Descriptor.FullName];
    private static readonly RecordTable Versions = Tables.ByTypeName[ServiceVersion.Descriptor.FullName];

    /// <summary>Every service of every tenant, in the order of their making.</summary>
    public static List<(string Tenant, Service Service)> All(ReadUnit unit)
    {
        RecordSql sql = RecordSql.Of(Services);
        // The tenant is known to the row alone, and stands last.
        Statement statement = unit.Prepare($"SELECT {sql.Columns}, tenant FROM service ORDER BY row_id");
        var services = new List<(string, Service)>();
        while (statement.Step())
        {
            string tenant = statement.Text(statement.ColumnCount - 1);
            services.Add((tenant, (Service)RecordRows.Read(sql, tenant, statement).Body));
        }

        return services;
    }

    /// <summary>By name.</summary>
    public static List<StoredRecord> Page(ReadUnit unit, string tenant, string after, int countMax)
    {
        RecordSql sql = RecordSql.Of(Services);
        Statement statement = unit.Prepare($"SELECT {sql.Columns} FROM service WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?");
        statement.Text(0, tenant);
        statement.Text(1, after);
        statement.Integer(2, countMax);
        return Read(sql, tenant, statement);
    }

    /// <summary>The newest first.</summary>
    public static List<StoredRecord> VersionsOf(ReadUnit unit, string tenant, string service, int countMax)
    {
        RecordSql sql = RecordSql.Of(Versions);
        Statement statement = unit.Prepare($"SELECT {sql.Columns} FROM service_version WHERE tenant = ? AND service = ? ORDER BY number DESC LIMIT ?");
        statement.Text(0, tenant);
        statement.Text(1, service);
        statement.Integer(2, countMax);
        return Read(sql, tenant, statement);
    }

    /// <summary>Numbers alone, the newest first.</summary>
    public static List<long> VersionNumbers(WriteUnit unit, string tenant, string service)
    {
        Statement statement = unit.Prepare("SELECT number FROM service_version WHERE tenant = ? AND service = ? ORDER BY number DESC");
        statement.Text(0, tenant);
        statement.Text(1, service);
        var numbers = new List<long>();
        while (statement.Step())
        {
            numbers.Add(statement.Integer(0));
        }

        return numbers;
    }

    /// <summary>A version of any tenant's service runs the asset.</summary>
    public static bool RunsAsset(ReadUnit unit, string asset)
    {
        Statement statement = unit.Prepare("SELECT 1 FROM service_version WHERE tenant IN (SELECT DISTINCT tenant FROM service) AND asset = ? LIMIT 1");
        statement.Text(0, asset);
        return statement.Step();
    }

    private static List<StoredRecord> Read(RecordSql sql, string tenant, Statement statement)
    {
        var records = new List<StoredRecord>();
        while (statement.Step())
        {
            records.Add(RecordRows.Read(sql, tenant, statement));
        }

        return records;
    }
}
