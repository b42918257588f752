using System.Runtime.InteropServices;
using SQLitePCL;

namespace Auraed.Native;

/// <summary>What the engine cannot do with pages that the disk has damaged (packaging/native/mend.c).</summary>
public static partial class EngineMend
{
    /// <summary>
    /// True when the connection has met a page whose seal does not hold. It answers zeros in that page's place, not always with an error, and nothing but errors from then on: whatever it
    /// answered in this transaction is not to be believed, and it is to be closed.
    /// </summary>
    public static bool IsSealBroken(sqlite3 connection) => auraed_seal_broken(connection.DangerousGetHandle()) != 0;

    /// <summary>
    /// Whether the engine can replace or delete a row without meeting a damaged page. Inside a transaction that writes. Answers the engine's code: SQLITE_OK when it can, SQLITE_NOTFOUND without
    /// such a row, SQLITE_CORRUPT when a page that leads to it or stands beside it is damaged, or where its overflow pages go on cannot be told for certain; then nothing is changed.
    /// </summary>
    /// <param name="rootPage">Of a table with row numbers.</param>
    /// <param name="walks">Goes through the row's overflow pages, and writes damaged ones anew: with what stood there when the blob is what the row holds, and zeros otherwise.</param>
    /// <param name="blob">The value of the last column, before which the record holds no others; may be empty.</param>
    /// <param name="pages">How many were written.</param>
    public static unsafe int MendRow(sqlite3 connection, uint rootPage, long row, bool walks, ReadOnlySpan<byte> blob, out int pages)
    {
        fixed (byte* bytes = blob)
        {
            return auraed_row_mend(connection.DangerousGetHandle(), rootPage, row, walks ? 1 : 0, bytes, blob.Length, out pages);
        }
    }

    [LibraryImport("e_sqlite3")]
    private static partial int auraed_seal_broken(nint connection);

    [LibraryImport("e_sqlite3")]
    private static unsafe partial int auraed_row_mend(nint connection, uint rootPage, long row, int walks, byte* blob, int length, out int pages);
}
