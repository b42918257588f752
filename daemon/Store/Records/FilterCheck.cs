using Aurae.Schema;

namespace Auraed.Store.Records;

/// <summary>Holds a filter against a table without running it.</summary>
public static class FilterCheck
{
    /// <summary>Fault(Invalid), naming the request's field, when the table has not the fields, or they do not compare so.</summary>
    public static void Check(RecordTable table, FilterNode filter, string requestField) => new FilterSql(table, new SqlText(), requestField).Add(filter);
}
