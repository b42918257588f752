using System.Buffers.Binary;
using System.Text;
using Auraed.Base;
using SQLitePCL;

namespace Auraed.Store.Journal;

/// <summary>
/// Does again what <see cref="ChangeCapture"/> wrote down. The connection is in a transaction, with triggers, foreign keys and its defence of the
/// engine's own tables off. Whatever does not fit the rows that are there is damage, and not to be resolved.
/// </summary>
internal sealed class ChangeReplay(Connection connection, TableShapes shapes)
{
    private readonly Dictionary<TableShape, (string Insert, string Delete)> _sql = [];

    /// <summary>Fault(Corrupt) when the changes do not fit the state.</summary>
    public void Apply(ReadOnlySpan<byte> changes, long number)
    {
        var reader = new Reader(changes);
        var tables = new List<TableShape>();
        try
        {
            while (!reader.IsAtEnd)
            {
                switch (reader.Byte())
                {
                    case ChangeCapture.Table:
                        tables.Add(Table(ref reader));
                        break;
                    case ChangeCapture.Insert:
                        Insert(tables[reader.Length()], ref reader);
                        break;
                    case ChangeCapture.Delete:
                        Delete(tables[reader.Length()], ref reader);
                        break;
                    default:
                        throw new InvalidDataException("no change is called that");
                }
            }
        }
        catch (Exception misfit) when (misfit is InvalidDataException or ArgumentOutOfRangeException or DecoderFallbackException)
        {
            throw Misfit(number, misfit.Message, misfit);
        }
        catch (Fault fault) when ((fault.InnerException as EngineException)?.Primary is raw.SQLITE_CONSTRAINT or raw.SQLITE_ERROR or raw.SQLITE_MISMATCH)
        {
            throw Misfit(number, fault.Message, fault);
        }
        finally
        {
            connection.EndUnit();
        }
    }

    private static Fault Misfit(long number, string why, Exception cause) =>
        new(FaultKind.Corrupt, $"group {number} of the journal does not fit the database beside it: {why}", hint: "put the aurae.db back that the journal belongs to, or auraed restore of the last backup", cause: cause) { Reason = "JOURNAL_MISFIT" };

    private TableShape Table(ref Reader reader)
    {
        var name = reader.Bytes();
        var shape = shapes.Find(name) ?? throw new InvalidDataException($"there is no table {Encoding.UTF8.GetString(name)}");
        var columns = reader.Length();
        var byNumber = reader.Byte() == 1;
        return columns == shape.Columns.Count && byNumber == shape.Key is null ? shape : throw new InvalidDataException($"table {shape.Name} has other columns");
    }

    private void Insert(TableShape shape, ref Reader reader)
    {
        var statement = connection.Prepare(SqlOf(shape).Insert);
        var parameter = 0;
        if (shape.Key is null)
        {
            statement.Integer(parameter++, reader.Signed());
        }

        for (var column = 0; column < shape.Columns.Count; column++)
        {
            Bind(statement, parameter++, ref reader);
        }

        _ = statement.Execute();
    }

    private void Delete(TableShape shape, ref Reader reader)
    {
        var statement = connection.Prepare(SqlOf(shape).Delete);
        if (shape.Key is null)
        {
            statement.Integer(0, reader.Signed());
        }
        else
        {
            for (var column = 0; column < shape.Key.Length; column++)
            {
                Bind(statement, column, ref reader);
            }
        }

        if (statement.Execute() != 1)
        {
            throw new InvalidDataException($"a row of {shape.Name} that it deletes is not there");
        }
    }

    private static void Bind(Statement statement, int parameter, ref Reader reader)
    {
        var storage = reader.Byte();
        switch ((int)storage)
        {
            case raw.SQLITE_INTEGER:
                statement.Integer(parameter, reader.Signed());
                break;
            case raw.SQLITE_FLOAT:
                statement.Real(parameter, reader.Real());
                break;
            case raw.SQLITE_TEXT:
                statement.Text(parameter, reader.Bytes());
                break;
            case raw.SQLITE_BLOB:
                statement.Blob(parameter, reader.Bytes());
                break;
            case raw.SQLITE_NULL:
                statement.Null(parameter);
                break;
            default:
                throw new InvalidDataException("no value is stored like that");
        }
    }

    private (string Insert, string Delete) SqlOf(TableShape shape)
    {
        if (_sql.TryGetValue(shape, out var sql))
        {
            return sql;
        }

        var columns = shape.Columns.Select(Quoted);
        var key = "_rowid_ = ?";
        if (shape.Key is null)
        {
            columns = columns.Prepend("_rowid_");
        }
        else
        {
            key = string.Join(" AND ", shape.Key.Select(column => Quoted(shape.Columns[column]) + " = ?"));
        }

        var list = columns.ToList();
        sql = ($"INSERT INTO {Quoted(shape.Name)} ({string.Join(", ", list)}) VALUES ({string.Join(", ", list.Select(_ => "?"))})", $"DELETE FROM {Quoted(shape.Name)} WHERE {key}");
        _sql.Add(shape, sql);
        return sql;
    }

    private static string Quoted(string name) => "\"" + name.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    /// <summary>Reads changes; InvalidDataException when they end too early.</summary>
    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public byte Byte() => Take(1)[0];

        public ReadOnlySpan<byte> Bytes() => Take(Length());

        public double Real() => BinaryPrimitives.ReadDoubleLittleEndian(Take(sizeof(double)));

        public int Length()
        {
            var value = Number();
            return value <= int.MaxValue ? (int)value : throw new InvalidDataException("a length is out of range");
        }

        public long Signed()
        {
            var value = Number();
            return (long)(value >> 1) ^ -(long)(value & 1);
        }

        private ulong Number()
        {
            ulong value = 0;
            for (var shift = 0; shift < 64; shift += 7)
            {
                var part = Byte();
                value |= (ulong)(part & 0x7f) << shift;
                if (part < 0x80)
                {
                    return value;
                }
            }

            throw new InvalidDataException("a number has no end");
        }

        private ReadOnlySpan<byte> Take(int count)
        {
            if (count > _rest.Length)
            {
                throw new InvalidDataException("it ends too early");
            }

            var taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }
    }
}
