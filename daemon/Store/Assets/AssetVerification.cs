using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Store.Assets;

/// <summary>The chunks against their ids, and the parts of contents against the chunks that they refer to. Reads only.</summary>
internal static class AssetVerification
{
    private const int ChunksPerProgress = 256;

    /// <summary>Adds findings, the first few of each kind; returns the number of chunks.</summary>
    public static long Check(Connection connection, List<string> findings, int findingsMax, Action<long, long>? progress, CancellationToken cancel)
    {
        if (connection.QueryInteger("SELECT count(*) FROM sqlite_schema WHERE name = 'content_part'") == 0)
        {
            return 0;
        }

        long chunks = Chunks(connection, findings, findingsMax, progress, cancel);
        Contents(connection, findings, findingsMax, cancel);
        return chunks;
    }

    private static long Chunks(Connection connection, List<string> findings, int findingsMax, Action<long, long>? progress, CancellationToken cancel)
    {
        long total = connection.QueryInteger("SELECT count(*) FROM chunk");
        var (done, damaged) = (0L, 0);
        using var decompressor = new ZstdDecompressor();
        byte[] content = new byte[Limits.AssetChunkBytesMax];
        // A file of an older data version knows no copies.
        bool hasCopies = connection.QueryInteger("SELECT count(*) FROM sqlite_schema WHERE name = 'chunk_copy'") > 0;
        Statement rows = connection.Prepare(hasCopies
            ? "SELECT c.id, c.size, b.frame, c.resident = 0, EXISTS (SELECT 1 FROM chunk_copy WHERE number = c.number) FROM chunk AS c LEFT JOIN chunk_body AS b ON b.number = c.number ORDER BY c.number"
            : "SELECT c.id, c.size, b.frame, 0, 0 FROM chunk AS c LEFT JOIN chunk_body AS b ON b.number = c.number ORDER BY c.number");
        try
        {
            while (rows.Step() && damaged < findingsMax)
            {
                if (WrongWith(rows, decompressor, content) is { } wrong)
                {
                    findings.Add($"chunk: {Convert.ToHexStringLower(rows.Blob(0))} {wrong}");
                    damaged++;
                }

                if (++done % ChunksPerProgress == 0)
                {
                    cancel.ThrowIfCancellationRequested();
                    progress?.Invoke(done, total);
                }
            }

            progress?.Invoke(done, total);
            return done;
        }
        finally
        {
            connection.EndUnit();
        }
    }

    private static string? WrongWith(Statement row, ZstdDecompressor decompressor, byte[] content)
    {
        if (row.Integer(3) != 0)
        {
            return row.IsNull(2) && row.Integer(4) != 0 ? null : "is said to be in a backend alone, and is not";
        }

        if (row.IsNull(2))
        {
            return "has lost its bytes";
        }

        if (!decompressor.TryDecompress(row.Blob(2), content, out int length, out string wrong))
        {
            return wrong;
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content.AsSpan(0, length), digest);
        return length == row.Integer(1) && digest.SequenceEqual(row.Blob(0)) ? null : "does not hold the bytes that its id says";
    }

    private static void Contents(Connection connection, List<string> findings, int findingsMax, CancellationToken cancel)
    {
        Statement parts = connection.Prepare("SELECT p.number, p.offset, p.size, p.entries, c.holder, c.number FROM content_part AS p JOIN content AS c ON c.number = p.content WHERE c.asset IS NOT NULL OR c.upload IS NOT NULL ORDER BY c.number, p.offset");
        Statement chunk = connection.Prepare("SELECT c.size, (SELECT 1 FROM chunk_holder WHERE holder = ? AND chunk = c.number) FROM chunk AS c WHERE c.number = ?");
        var entries = new List<PartEntry>();
        var (content, next, damaged) = (0L, 0L, 0);
        try
        {
            while (parts.Step() && damaged < findingsMax)
            {
                cancel.ThrowIfCancellationRequested();
                next = parts.Integer(5) == content ? next : 0;
                content = parts.Integer(5);
                entries.Clear();
                PartEntries.Decode(parts.Blob(3), entries);
                bool isSound = parts.Integer(1) == next && entries.Sum(entry => (long)entry.Size) == parts.Integer(2) && entries.TrueForAll(entry => Holds(chunk, parts.Integer(4), entry));
                next = parts.Integer(1) + parts.Integer(2);
                if (!isSound)
                {
                    findings.Add($"asset: part {parts.Integer(0)} of content {content} leaves a gap, or refers to a chunk that is not there or not its tenant's");
                    damaged++;
                }
            }
        }
        finally
        {
            connection.EndUnit();
        }

        long wrong = connection.QueryInteger("SELECT count(*) FROM content AS c WHERE (c.asset IS NOT NULL OR c.upload IS NOT NULL) AND c.size <> (SELECT coalesce(sum(size), 0) FROM content_part WHERE content = c.number)");
        if (wrong > 0)
        {
            findings.Add($"asset: {wrong} contents do not have the bytes that they should");
        }
    }

    private static bool Holds(Statement chunk, long holder, PartEntry entry)
    {
        chunk.Integer(0, holder);
        chunk.Integer(1, entry.Number);
        bool holds = chunk.Step() && chunk.Integer(0) == entry.Size && !chunk.IsNull(1);
        chunk.Reset();
        return holds;
    }
}
