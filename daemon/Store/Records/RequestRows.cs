using Auraed.Base;

namespace Auraed.Store.Records;

/// <summary>
/// Answers already given, by request id, so that a repeated request is applied once. A row lives for <see cref="Limits.RequestIdAgeMax"/>; each new
/// one takes a few old ones along, so that the table needs no sweep.
/// </summary>
public static class RequestRows
{
    private const int PrunedRowsMax = 4;

    /// <summary>The answer, and the digest of the request that it was given to; null when the id is new or its answer has expired.</summary>
    public static (byte[] Digest, byte[] Answer)? Find(WriteUnit unit, string tenant, string principal, string requestId)
    {
        Statement statement = unit.Prepare("SELECT time, digest, answer FROM request WHERE tenant = ? AND principal = ? AND request_id = ?");
        statement.Text(0, tenant);
        statement.Text(1, principal);
        statement.Text(2, requestId);
        if (!statement.Step())
        {
            return null;
        }

        bool isAlive = statement.Integer(0) > unit.Now - Age;
        (byte[], byte[])? found = isAlive ? (statement.Blob(1).ToArray(), statement.Blob(2).ToArray()) : null;
        statement.Reset();
        return found;
    }

    public static void Add(WriteUnit unit, string tenant, string principal, string requestId, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> answer)
    {
        Statement prune = unit.Prepare("DELETE FROM request WHERE row_id IN (SELECT row_id FROM (SELECT row_id, time FROM request ORDER BY row_id LIMIT ?) WHERE time <= ?)");
        prune.Integer(0, PrunedRowsMax);
        prune.Integer(1, unit.Now - Age);
        _ = prune.Execute();
        Statement insert = unit.Prepare("INSERT OR REPLACE INTO request (tenant, principal, request_id, time, digest, answer) VALUES (?, ?, ?, ?, ?, ?)");
        insert.Text(0, tenant);
        insert.Text(1, principal);
        insert.Text(2, requestId);
        insert.Integer(3, unit.Now);
        insert.Blob(4, digest);
        insert.Blob(5, answer);
        _ = insert.Execute();
    }

    private static long Age => Limits.RequestIdAgeMax.Ticks * 100;
}
