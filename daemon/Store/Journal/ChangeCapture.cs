using System.Runtime.InteropServices;
using Auraed.Native;
using SQLitePCL;

namespace Auraed.Store.Journal;

/// <summary>
/// Writes down every row that a connection changes, in the order in which that happens, so that <see cref="ChangeReplay"/> makes the same state out of
/// the same beginning without triggers, foreign keys or any code of the domain. Invariant: what a rolled back unit or a failed statement changed is
/// not told.
/// <code>
/// changes, one behind the other; n is a number of 7 bits a byte, least first, the high bit set on all but the last; z is n of a zigzag number
///   table    01  n length of the name, the name, n number of columns, 1 byte: 1 when rows are known by number, 0 when by primary key
///   insert   02  n table (from 0, as they appear), [z row number], the values of all columns
///   delete   03  n table, z row number or the values of the primary key's columns
/// an update is a delete and an insert; a value is
///   01 z integer | 02 real (8 bytes) | 03 n length, UTF-8 | 04 n length, bytes | 05 null
/// </code>
/// The engine's session extension would tell the same by table, without order: two rows that exchange a unique value could then not be applied again, and
/// it reads every row back and prepares statements for every group.
/// </summary>
internal sealed class ChangeCapture : IDisposable
{
    public const byte Table = 1;
    public const byte Insert = 2;
    public const byte Delete = 3;
    private const int FirstBytes = 1 << 16;
    private const int KeptBytesMax = 4 << 20;
    private const int VariableBytesMax = 10;

    private readonly EngineChanges _hook;
    private readonly TableShapes _shapes;
    private readonly List<(TableShape Shape, int Offset)> _tables = [];
    private readonly List<int> _rowMarks = [];
    private byte[] _buffer = new byte[FirstBytes];
    private int _length = JournalFormat.RecordHeaderBytes;
    private bool _wasWhole = true;

    public ChangeCapture(Connection connection, TableShapes shapes)
    {
        _shapes = shapes;
        _hook = new EngineChanges(connection.Handle, OnChange, _ => IsWhole = false);
    }

    /// <summary>Off, changes pass unseen.</summary>
    public bool IsOn { get; set; }

    /// <summary>False when something was changed that cannot be told here.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>Bytes so far, with the room for the record's header before them.</summary>
    public int Length => _length;

    public bool IsEmpty => _length == JournalFormat.RecordHeaderBytes;

    /// <summary>Begins with the record to be: room for its header, then the changes, <see cref="Length"/> bytes together.</summary>
    public byte[] Buffer => _buffer;

    /// <summary>Marks of the records that were changed (<see cref="PendingGroups.MarkOf"/>), and of some that a rolled back unit had.</summary>
    public ReadOnlySpan<int> RowMarks => CollectionsMarshal.AsSpan(_rowMarks);

    /// <summary>Gives the buffer away, and goes on in another one, after <see cref="Clear"/>.</summary>
    public void Leave(byte[]? spare) => _buffer = spare ?? new byte[FirstBytes];

    public void Clear()
    {
        if (_buffer.Length > KeptBytesMax)
        {
            _buffer = new byte[FirstBytes];
        }

        IsWhole = true;
        _tables.Clear();
        _rowMarks.Clear();
        _length = JournalFormat.RecordHeaderBytes;
    }

    /// <summary>Before a unit: <see cref="Undo"/> comes back to here.</summary>
    public int Mark()
    {
        _wasWhole = IsWhole;
        return _length;
    }

    /// <summary>The unit since the mark was rolled back, and so it changed nothing.</summary>
    public void Undo(int mark)
    {
        Truncate(mark);
        IsWhole = _wasWhole;
    }

    /// <summary>
    /// A statement failed, and the engine has taken back what it changed. Not so the rows of earlier ones that a full-text index wrote when it began: they
    /// cannot be told apart, and the group is committed as a whole.
    /// </summary>
    public void Failed(int lengthBefore)
    {
        if (_length > lengthBefore)
        {
            IsWhole = false;
        }
    }

    private void Truncate(int length)
    {
        _length = Math.Min(_length, length);
        while (_tables.Count > 0 && _tables[^1].Offset >= _length)
        {
            _tables.RemoveAt(_tables.Count - 1);
        }
    }

    /// <summary>Something happened that no row tells: a change of the schema.</summary>
    public void Omit() => IsWhole = false;

    public void Dispose() => _hook.Dispose();

    private void OnChange(in EngineChange change)
    {
        if (!IsOn || !IsWhole || !change.Schema.SequenceEqual("main"u8))
        {
            return;
        }

        if (_shapes.Find(change.Table) is not { } shape || (change.Operation != raw.SQLITE_DELETE && change.ColumnCount != shape.Columns.Count))
        {
            IsWhole = false;
            return;
        }

        Note(shape, change);
        var table = TableOf(shape);
        if (change.Operation != raw.SQLITE_INSERT)
        {
            Byte(Delete);
            Number((ulong)table);
            Key(shape, change);
        }

        if (change.Operation != raw.SQLITE_DELETE)
        {
            Byte(Insert);
            Number((ulong)table);
            if (shape.Key is null)
            {
                Signed(change.KeyAfter);
            }

            Values(change, isAfter: true, [], shape.Columns.Count);
        }
    }

    private void Note(TableShape shape, in EngineChange change)
    {
        if (!shape.IsRecord)
        {
            return;
        }

        if (change.Operation != raw.SQLITE_INSERT)
        {
            _rowMarks.Add(PendingGroups.MarkOf(shape.Number, change.KeyBefore));
        }

        if (change.Operation == raw.SQLITE_INSERT || (change.Operation == raw.SQLITE_UPDATE && change.KeyAfter != change.KeyBefore))
        {
            _rowMarks.Add(PendingGroups.MarkOf(shape.Number, change.KeyAfter));
        }
    }

    private void Key(TableShape shape, in EngineChange change)
    {
        if (shape.Key is not { } key)
        {
            Signed(change.KeyBefore);
            return;
        }

        Values(change, isAfter: false, key, key.Length);
    }

    private int TableOf(TableShape shape)
    {
        for (var index = _tables.Count - 1; index >= 0; index--)
        {
            if (ReferenceEquals(_tables[index].Shape, shape))
            {
                return index;
            }
        }

        _tables.Add((shape, _length));
        Byte(Table);
        Bytes(shape.Utf8);
        Number((ulong)shape.Columns.Count);
        Byte(shape.Key is null ? (byte)1 : (byte)0);
        return _tables.Count - 1;
    }

    private void Values(in EngineChange change, bool isAfter, ReadOnlySpan<int> columns, int count)
    {
        int bytes;
        while ((bytes = change.Write(isAfter, columns, count, _buffer.AsSpan(_length))) > _buffer.Length - _length)
        {
            Room(bytes);
        }

        _length += bytes;
    }

    private void Bytes(ReadOnlySpan<byte> bytes)
    {
        Number((ulong)bytes.Length);
        Room(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private void Byte(byte value)
    {
        Room(1);
        _buffer[_length++] = value;
    }

    private void Signed(long value) => Number((ulong)((value << 1) ^ (value >> 63)));

    private void Number(ulong value)
    {
        Room(VariableBytesMax);
        while (value >= 0x80)
        {
            _buffer[_length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        _buffer[_length++] = (byte)value;
    }

    private void Room(int bytes)
    {
        if (_length + bytes > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_length + bytes, checked(2 * _buffer.Length)));
        }
    }
}
