using Auraed.Native;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>
/// Rows in pages that the disk has damaged. The engine ends a connection for good that meets such a page, and the writer's with it all writing: what may touch one is asked here first.
/// </summary>
internal sealed class RowMend(Connection connection)
{
    private readonly Dictionary<string, uint> _roots = new(StringComparer.Ordinal);

    /// <summary>False when the row must be left alone. Pages of it may have been written anew; see <see cref="EngineMend.MendRow"/>.</summary>
    public bool TryFree(string table, long row, bool isReadable, ReadOnlySpan<byte> blob)
    {
        if (!_roots.TryGetValue(table, out var root))
        {
            var select = connection.Prepare("SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?");
            select.Text(0, table);
            root = select.Step() ? (uint)select.Integer(0) : 0;
            select.Reset();
            _roots.Add(table, root);
        }

        var code = EngineMend.MendRow(connection.Handle, root, row, !isReadable, blob, out var pages);
        if (pages > 0)
        {
            // No row tells it, and what comes after in the journal could not be done again without it.
            connection.Changes?.Omit();
        }

        return code switch
        {
            raw.SQLITE_OK or raw.SQLITE_NOTFOUND => true,
            raw.SQLITE_CORRUPT => false,
            _ => throw EngineError.ToFault(code, raw.sqlite3_errstr(code).utf8_to_string(), "damaged pages could not be written"),
        };
    }
}
