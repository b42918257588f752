using System.Buffers;
using System.Text;
using Aurae.Schema;
using Auraed.Native;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>
/// One prepared statement of one connection; parameters and columns count from 0. Lent by a unit and only valid inside it.
/// Invariants: used by one thread at a time; <see cref="Step"/> returning false has already reset it, so that it may be bound and stepped again.
/// </summary>
public sealed class Statement : IColumnWriter, IColumnReader
{
    private const int StackBytesMax = 512;
    private readonly Connection _connection;
    private readonly sqlite3_stmt _handle;
    private nint _address;

    private int _changesBefore;

    internal Statement(Connection connection, sqlite3_stmt handle, string sql, int[] reads, int[] writes, bool changesSchema)
    {
        ChangesSchema = changesSchema;
        _connection = connection;
        _handle = handle;
        _address = handle.DangerousGetHandle();
        Sql = sql;
        Reads = reads;
        Writes = writes;
    }

    public string Sql { get; }

    public int ParameterCount => raw.sqlite3_bind_parameter_count(_handle);

    public int ColumnCount => raw.sqlite3_column_count(_handle);

    /// <summary>True when it can change nothing.</summary>
    public bool IsReadOnly => raw.sqlite3_stmt_readonly(_handle) != 0;

    /// <summary>Rows changed by the last finished INSERT, UPDATE or DELETE of the connection.</summary>
    public int Changes => raw.sqlite3_changes(_connection.Handle);

    /// <summary>Tables that it reads and writes, as the engine named them while preparing; numbers of <see cref="TableVersions"/>.</summary>
    internal int[] Reads { get; }

    internal int[] Writes { get; }

    /// <summary>Changes something that is no row of a table.</summary>
    internal bool ChangesSchema { get; }

    /// <summary>Started in this unit, and so to be cleared at its end.</summary>
    internal bool IsTouched { get; set; }

    /// <summary>Stepped to a row and not yet reset.</summary>
    internal bool IsActive { get; private set; }

    public void Integer(int index, long value) => Check(EngineStatement.BindInteger(_address, index + 1, value));

    public void Real(int index, double value) => Check(EngineStatement.BindReal(_address, index + 1, value));

    public void Null(int index) => Check(EngineStatement.BindNull(_address, index + 1));

    public void Blob(int index, ReadOnlySpan<byte> value) => Check(EngineStatement.BindBlob(_address, index + 1, value));

    public void Text(int index, string value)
    {
        var bound = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (bound <= StackBytesMax)
        {
            Span<byte> buffer = stackalloc byte[StackBytesMax];
            Text(index, buffer[..Encoding.UTF8.GetBytes(value, buffer)]);
            return;
        }

        var rented = ArrayPool<byte>.Shared.Rent(bound);
        try
        {
            Text(index, rented.AsSpan(0, Encoding.UTF8.GetBytes(value, rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    public void Text(int index, ReadOnlySpan<byte> utf8) => Check(EngineStatement.BindText(_address, index + 1, utf8));

    /// <summary>The index of a named parameter with its prefix (<c>:name</c>); -1 when there is none of that name.</summary>
    public int ParameterIndex(string name) => raw.sqlite3_bind_parameter_index(_handle, name) - 1;

    public string? ParameterName(int index) => raw.sqlite3_bind_parameter_name(_handle, index + 1).utf8_to_string();

    public bool IsNull(int index) => EngineStatement.Storage(_address, index) == raw.SQLITE_NULL;

    public long Integer(int index) => EngineStatement.Integer(_address, index);

    public double Real(int index) => EngineStatement.Real(_address, index);

    /// <summary>By length, as a text may hold NUL.</summary>
    public string Text(int index) => Encoding.UTF8.GetString(EngineStatement.Bytes(_address, index));

    /// <summary>Valid until the next step or reset.</summary>
    public ReadOnlySpan<byte> Blob(int index) => EngineStatement.Bytes(_address, index);

    public string ColumnName(int index) => raw.sqlite3_column_name(_handle, index).utf8_to_string();

    /// <summary>The storage class of this row's value: SQLITE_INTEGER 1, FLOAT 2, TEXT 3, BLOB 4, NULL 5.</summary>
    public int ColumnStorage(int index) => EngineStatement.Storage(_address, index);

    /// <summary>True at a row. False when done, and then reset; its bindings stay.</summary>
    public bool Step()
    {
        if (!IsTouched)
        {
            _connection.OnStart(this);
        }

        if (!IsActive)
        {
            _changesBefore = _connection.Changes?.Length ?? 0;
        }

        var code = EngineStatement.Step(_address);
        if (code == raw.SQLITE_ROW)
        {
            IsActive = true;
            return true;
        }

        if (code == raw.SQLITE_DONE)
        {
            Reset();
            return false;
        }

        var fault = _connection.FaultOf(code, "a statement failed");
        _connection.Changes?.Failed(_changesBefore);
        Reset();
        throw fault;
    }

    /// <summary>Runs to the end and drops rows; returns the number of rows changed.</summary>
    public int Execute()
    {
        while (Step())
        {
        }

        return Changes;
    }

    public void Reset()
    {
        IsActive = false;
        _ = EngineStatement.Reset(_address);
    }

    /// <summary>Forgets bound values, so that neither the next user nor a dump sees them.</summary>
    internal void Clear()
    {
        Reset();
        IsTouched = false;
        _ = EngineStatement.ClearBindings(_address);
    }

    internal void Close()
    {
        _address = 0;
        _handle.Dispose();
    }

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw _connection.FaultOf(code, "a parameter could not be bound");
        }
    }
}
