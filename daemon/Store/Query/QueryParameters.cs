using System.Text;
using Auraed.Base;
using Aurae.Query.V0;
using SQLitePCL;

namespace Auraed.Store.Query;

/// <summary>Binds a command's values to the names in its statement: each name has a value, and each value a name.</summary>
internal static class QueryParameters
{
    public static void Bind(QueryConnection connection, sqlite3_stmt statement, QueryCommand command)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        for (var index = 1; index <= raw.sqlite3_bind_parameter_count(statement); index++)
        {
            // With ?3 in the statement, 1 and 2 exist without a name and are not asked for.
            var written = raw.sqlite3_bind_parameter_name(statement, index).utf8_to_string();
            if (string.IsNullOrEmpty(written))
            {
                if (command.Sql.Contains('?', StringComparison.Ordinal) && !HasNumbered(statement, index))
                {
                    throw Fault.Invalid("sql", "a parameter has no name", "write :name and give its value in parameters");
                }

                continue;
            }

            var name = written[1..];
            if (!command.Parameters.TryGetValue(name, out var value))
            {
                throw Fault.Invalid("parameters", $"the statement's parameter {written} has no value");
            }

            used.Add(name);
            var code = Bind(statement, index, value);
            if (code != raw.SQLITE_OK)
            {
                throw connection.FaultOf(code, command.Sql);
            }
        }

        if (command.Parameters.Keys.FirstOrDefault(name => !used.Contains(name)) is { } stray)
        {
            throw Fault.Invalid("parameters", $"the statement has no parameter {stray}", "names are given without the : @ or $ before them");
        }
    }

    private static bool HasNumbered(sqlite3_stmt statement, int after)
    {
        for (var index = after + 1; index <= raw.sqlite3_bind_parameter_count(statement); index++)
        {
            if (raw.sqlite3_bind_parameter_name(statement, index).utf8_to_string() is ['?', ..])
            {
                return true;
            }
        }

        return false;
    }

    private static int Bind(sqlite3_stmt statement, int index, Value value) => value.KindCase switch
    {
        Value.KindOneofCase.Integer => raw.sqlite3_bind_int64(statement, index, value.Integer),
        Value.KindOneofCase.Real => raw.sqlite3_bind_double(statement, index, value.Real),
        Value.KindOneofCase.Text when value.Text.Length == 0 => raw.sqlite3_bind_text(statement, index, ""),
        Value.KindOneofCase.Text => raw.sqlite3_bind_text(statement, index, Encoding.UTF8.GetBytes(value.Text).AsSpan()),
        Value.KindOneofCase.Blob when value.Blob.IsEmpty => raw.sqlite3_bind_zeroblob(statement, index, 0),
        Value.KindOneofCase.Blob => raw.sqlite3_bind_blob(statement, index, value.Blob.Span),
        Value.KindOneofCase.None => raw.sqlite3_bind_null(statement, index),
    };
}
