using System.Buffers.Binary;
using System.Text;

namespace Auraed.Store;

/// <summary>An event by its canonical encoding (<see cref="EventHash"/>), which must be well-formed; nothing is copied before it is asked for.</summary>
internal readonly ref struct EventView
{
    private readonly ReadOnlySpan<byte> _encoding;
    private readonly ReadOnlySpan<byte> _tenant;
    private readonly ReadOnlySpan<byte> _principal;
    private readonly ReadOnlySpan<byte> _request;
    private readonly ReadOnlySpan<byte> _kind;
    private readonly ReadOnlySpan<byte> _subject;

    public EventView(ReadOnlySpan<byte> encoding)
    {
        _encoding = encoding;
        ReadOnlySpan<byte> rest = encoding[25..];
        _tenant = Next(ref rest, out _);
        _principal = Next(ref rest, out _);
        _request = Next(ref rest, out bool hasRequest);
        HasRequest = hasRequest;
        _kind = Next(ref rest, out _);
        _subject = Next(ref rest, out _);
        Payload = Next(ref rest, out _);
    }

    public long Sequence => BinaryPrimitives.ReadInt64BigEndian(_encoding[1..]);

    public long Revision => BinaryPrimitives.ReadInt64BigEndian(_encoding[9..]);

    public long Time => BinaryPrimitives.ReadInt64BigEndian(_encoding[17..]);

    public string Tenant => Encoding.UTF8.GetString(_tenant);

    public string Kind => Encoding.UTF8.GetString(_kind);

    public string Subject => Encoding.UTF8.GetString(_subject);

    public ReadOnlySpan<byte> Payload { get; }

    private bool HasRequest { get; }

    /// <summary>Binds the columns of <see cref="EventHash.Columns"/> but the hash, from the first parameter on.</summary>
    public void Bind(Statement statement)
    {
        statement.Integer(0, Sequence);
        statement.Integer(1, Revision);
        statement.Integer(2, Time);
        statement.Text(3, _tenant);
        statement.Text(4, _principal);
        if (HasRequest)
        {
            statement.Text(5, _request);
        }
        else
        {
            statement.Null(5);
        }

        statement.Text(6, _kind);
        statement.Text(7, _subject);
        statement.Blob(8, Payload);
    }

    private static ReadOnlySpan<byte> Next(scoped ref ReadOnlySpan<byte> rest, out bool isThere)
    {
        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        isThere = length != uint.MaxValue;
        ReadOnlySpan<byte> value = isThere ? rest.Slice(4, (int)length) : default;
        rest = rest[(4 + value.Length)..];
        return value;
    }
}
