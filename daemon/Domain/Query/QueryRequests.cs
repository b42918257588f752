using System.Text;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store.Query;
using Aurae.Query.V0;

namespace Auraed.Domain.Query;

/// <summary>From requests to commands that cannot be wrong; what is wrong is a Fault(Invalid) or (OutOfRange) that names the field.</summary>
internal static class QueryRequests
{
    public static QueryCommand Parse(QueryRequest request, TimeSpan left)
    {
        return new QueryCommand
        {
            Tenant = RecordNames.Tenant(request.Tenant),
            Sql = Sql(request.Sql),
            Parameters = Parameters(request.Parameters),
            RowsMax = Within(request.RowLimit, "row_limit", Limits.QueryRowsDefault, Limits.QueryRowsMax),
            BytesMax = Within(request.ByteLimit, "byte_limit", Limits.QueryBytesDefault, Limits.QueryBytesMax),
            BatchRowsMax = (int)Within(request.BatchSize, "batch_size", Limits.QueryBatchRowsDefault, Limits.QueryBatchRowsMax),
            FailWhenTruncated = request.FailWhenTruncated,
            MayUseCache = !request.NoCache,
            Time = left,
        };
    }

    public static string Sql(string sql)
    {
        var bytes = Encoding.UTF8.GetByteCount(sql);
        return bytes > Limits.QuerySqlBytesMax
            ? throw new Fault(FaultKind.OutOfRange, $"the statement has {bytes} bytes, at most {Limits.QuerySqlBytesMax}", "sql") { Reason = "QUERY_TOO_LARGE" }
            : sql;
    }

    private static long Within(long given, string field, long usual, long most) => given switch
    {
        0 => usual,
        < 0 => throw Fault.Invalid(field, $"{field} is negative"),
        _ when given > most => throw new Fault(FaultKind.OutOfRange, $"{field} is {given}, at most {most}", field),
        _ => given,
    };

    private static Dictionary<string, Value> Parameters(IDictionary<string, Value> given)
    {
        if (given.Count > Limits.QueryParameterCountMax)
        {
            throw new Fault(FaultKind.OutOfRange, $"{given.Count} parameters are given, at most {Limits.QueryParameterCountMax}", "parameters");
        }

        long bytes = 0;
        foreach (var (name, value) in given)
        {
            if (name.Length == 0)
            {
                throw Fault.Invalid("parameters", "a parameter's name is empty");
            }

            bytes += value.CalculateSize();
        }

        return bytes > Limits.QueryParameterBytesMax
            ? throw new Fault(FaultKind.OutOfRange, $"the parameters have {bytes} bytes, at most {Limits.QueryParameterBytesMax}", "parameters")
            : new Dictionary<string, Value>(given, StringComparer.Ordinal);
    }
}
