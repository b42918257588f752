namespace Auraed.Store.Assets;

/// <summary>An upload that has not been committed.</summary>
/// <param name="Number">Of its row.</param>
/// <param name="Id">The caller's name for it.</param>
/// <param name="UpdateTime">When it last grew, in nanoseconds since 1970 UTC.</param>
/// <param name="Header">The encoded UploadHeader that began it.</param>
public sealed record StoredUpload(long Number, string Id, long UpdateTime, byte[] Header);

/// <summary>Uploads in progress.</summary>
/// <param name="prepare">The unit's own.</param>
public readonly struct UploadRows(Func<string, Statement> prepare)
{
    public UploadRows(ReadUnit unit)
        : this(unit.Prepare)
    {
    }

    public UploadRows(WriteUnit unit)
        : this(unit.Prepare)
    {
    }

    public StoredUpload? Find(string tenant, string id)
    {
        Statement select = prepare("SELECT number, update_time, header FROM asset_upload WHERE tenant = ? AND id = ?");
        select.Text(0, tenant);
        select.Text(1, id);
        StoredUpload? found = select.Step() ? new StoredUpload(select.Integer(0), id, select.Integer(1), select.Blob(2).ToArray()) : null;
        select.Reset();
        return found;
    }

    public long Add(string tenant, string id, long time, ReadOnlySpan<byte> header)
    {
        Statement insert = prepare("INSERT INTO asset_upload (tenant, id, update_time, header) VALUES (?, ?, ?, ?) RETURNING number");
        insert.Text(0, tenant);
        insert.Text(1, id);
        insert.Integer(2, time);
        insert.Blob(3, header);
        _ = insert.Step();
        long number = insert.Integer(0);
        insert.Reset();
        return number;
    }

    /// <summary>False when the upload is gone.</summary>
    public bool Touch(long number, long time)
    {
        Statement update = prepare("UPDATE asset_upload SET update_time = ? WHERE number = ?");
        update.Integer(0, time);
        update.Integer(1, number);
        return update.Execute() > 0;
    }

    /// <summary>Its content, if it still is the upload's, is left to the collector.</summary>
    public bool Delete(long number)
    {
        Statement delete = prepare("DELETE FROM asset_upload WHERE number = ?");
        delete.Integer(0, number);
        return delete.Execute() > 0;
    }

    /// <summary>Deletes uploads that have not grown since, at most so many; answers how many.</summary>
    public int Expire(long before, int countMax)
    {
        Statement delete = prepare("DELETE FROM asset_upload WHERE number IN (SELECT number FROM asset_upload WHERE update_time < ? ORDER BY update_time LIMIT ?)");
        delete.Integer(0, before);
        delete.Integer(1, countMax);
        return delete.Execute();
    }

    public long Count(string? tenant)
    {
        Statement select = prepare("SELECT count(*) FROM asset_upload WHERE ?1 IS NULL OR tenant = ?1");
        if (tenant is null)
        {
            select.Null(0);
        }
        else
        {
            select.Text(0, tenant);
        }

        _ = select.Step();
        long count = select.Integer(0);
        select.Reset();
        return count;
    }
}
