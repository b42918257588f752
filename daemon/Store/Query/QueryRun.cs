using System.Text;
using Auraed.Base;
using Aurae.Query.V0;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using SQLitePCL;
using Value = Aurae.Query.V0.Value;

namespace Auraed.Store.Query;

/// <summary>
/// One statement from its text to its summary. Holds at most one batch of rows; what it makes goes to <c>send</c>, which waits for the reader.
/// </summary>
internal sealed class QueryRun(QueryConnection connection, QueryCommand command, QueryClock clock, TimeProvider time, Action<QueryResponse> send)
{
    private readonly Summary _summary = new();
    private Rows _batch = new();
    private int _batchBytes;

    /// <summary>Of the tables that the statement reads, before its snapshot began; null when its answer is not to be kept.</summary>
    public TableStamp? Stamp { get; private set; }

    public Summary Summary => _summary;

    /// <summary>What the statement added to the C heap at most.</summary>
    public long HeapGrowth { get; private set; }

    public void Execute(TableVersions versions, long stepsMax, long memoryBytesMax)
    {
        connection.Tenant = command.Tenant;
        connection.Budget = null;
        var budget = new QueryBudget(clock, stepsMax, memoryBytesMax, time);
        connection.Budget = budget;
        try
        {
            using var statement = connection.Prepare(command.Sql);
            QueryParameters.Bind(connection, statement, command);
            if (connection.Authorizer.IsRepeatable)
            {
                Stamp = TableStamp.Take(versions, connection.Authorizer.Reads);
            }

            connection.Budget = null;
            _summary.Revision = connection.BeginSnapshot();
            connection.Budget = budget;
            send(new QueryResponse { Columns = ColumnsOf(statement) });
            ReadAll(statement);
            _summary.Steps = budget.Steps;
        }
        finally
        {
            HeapGrowth = budget.HeapGrowth;
            connection.Budget = null;
            connection.EndSnapshot();
            connection.Tenant = "";
        }

        Flush();
        if (_summary.Truncation != Truncation.None && command.FailWhenTruncated)
        {
            var bound = _summary.Truncation == Truncation.Rows ? $"{command.RowsMax} rows" : $"{command.BytesMax} bytes";
            throw new Fault(FaultKind.Exhausted, $"the answer has more than {bound}", hint: "raise row_limit or byte_limit, or read it truncated") { Reason = "QUERY_TRUNCATED" };
        }

        _summary.Elapsed = Duration.FromTimeSpan(clock.Elapsed);
        send(new QueryResponse { Summary = _summary });
    }

    public static Columns ColumnsOf(sqlite3_stmt statement)
    {
        var columns = new Columns();
        for (var index = 0; index < raw.sqlite3_column_count(statement); index++)
        {
            columns.Columns_.Add(new Column
            {
                Name = raw.sqlite3_column_name(statement, index).utf8_to_string() ?? "",
                Type = raw.sqlite3_column_decltype(statement, index).utf8_to_string() ?? "",
            });
        }

        return columns;
    }

    private void ReadAll(sqlite3_stmt statement)
    {
        while (connection.Step(statement, command.Sql))
        {
            if (_summary.Rows == command.RowsMax)
            {
                _summary.Truncation = Truncation.Rows;
                return;
            }

            var row = RowOf(statement);
            var bytes = row.CalculateSize();
            if (_summary.Bytes + bytes > command.BytesMax)
            {
                _summary.Truncation = Truncation.Bytes;
                return;
            }

            if (_batchBytes + bytes > Limits.QueryBatchBytesMax || _batch.Rows_.Count == command.BatchRowsMax)
            {
                Flush();
            }

            _batch.Rows_.Add(row);
            _batchBytes += bytes;
            _summary.Rows++;
            _summary.Bytes += bytes;
        }
    }

    private void Flush()
    {
        if (_batch.Rows_.Count == 0)
        {
            return;
        }

        var full = _batch;
        _batch = new Rows();
        _batchBytes = 0;
        send(new QueryResponse { Rows = full });
    }

    private static Row RowOf(sqlite3_stmt statement)
    {
        var count = raw.sqlite3_column_count(statement);
        long bytes = 0;
        for (var index = 0; index < count; index++)
        {
            bytes += raw.sqlite3_column_type(statement, index) is raw.SQLITE_TEXT or raw.SQLITE_BLOB ? raw.sqlite3_column_bytes(statement, index) : 9;
        }

        // Room for the fields' tags and lengths around the values.
        if (bytes + (count * 16) + 64 > Limits.MessageBytesMax)
        {
            throw new Fault(FaultKind.Exhausted, $"a row of the answer has {bytes} bytes, more than fit a message", "sql", "select fewer columns, or a part of them: substr(column, 1, 1000)") { Reason = "QUERY_ROW_TOO_LARGE" };
        }

        var row = new Row();
        row.Values.Capacity = count;
        for (var index = 0; index < count; index++)
        {
            row.Values.Add(ValueOf(statement, index));
        }

        return row;
    }

    private static Value ValueOf(sqlite3_stmt statement, int index) => raw.sqlite3_column_type(statement, index) switch
    {
        raw.SQLITE_INTEGER => new Value { Integer = raw.sqlite3_column_int64(statement, index) },
        raw.SQLITE_FLOAT => new Value { Real = raw.sqlite3_column_double(statement, index) },
        raw.SQLITE_TEXT => new Value { Text = Encoding.UTF8.GetString(raw.sqlite3_column_blob(statement, index)) },
        raw.SQLITE_BLOB => new Value { Blob = ByteString.CopyFrom(raw.sqlite3_column_blob(statement, index)) },
        _ => new Value(),
    };
}
