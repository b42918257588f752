using Auraed.EventLog;
using Auraed.Store;
using Auraed.Store.Proof;

namespace Auraed.Tests.Support;

/// <summary>A database with events and checkpoints, and what somebody with the key can do to its file.</summary>
internal sealed class LogFile : IDisposable
{
    private const string Triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name LIKE 'event%'";

    public StoreFixture Store { get; } = new();

    /// <summary>Appends events and signs what there is then.</summary>
    public async Task<Checkpoint> WriteAsync(int events, bool isSigned = true)
    {
        await using Database database = Store.Open();
        for (int number = 0; number < events; number++)
        {
            await StoreFixture.AppendAsync(database, $"subject {number}", 10 + (number % 50));
        }

        using var keeper = new LogKeeper(database, TimeProvider.System, TimeSpan.Zero);
        return (await keeper.CheckpointAsync(isSigned, CancellationToken.None))!;
    }

    /// <summary>Runs statements on the stopped file as somebody does who has its key: the triggers are dropped first.</summary>
    public void Tamper(params string[] statements)
    {
        Tamper(connection =>
        {
            foreach (string statement in statements)
            {
                connection.Execute(statement);
            }
        });
    }

    public void Tamper(Action<Connection> change)
    {
        DatabaseFile.CheckEngine();
        using ServerKey server = ServerKey.Load(Store.KeyPath);
        using var key = new StoreKey(server);
        using Connection connection = Connection.Open(Store.DatabasePath, ConnectionMode.Write, key, new TableVersions(), null);
        foreach (string trigger in connection.QueryTexts(Triggers))
        {
            connection.Execute($"DROP TRIGGER {trigger}");
        }

        change(connection);
        connection.FoldOnClose();
    }

    /// <summary>Gives every event the hash that chains it to the one before, as a forger would who covers a change.</summary>
    public static void ChainAnew(Connection connection)
    {
        var hashes = new List<(long Sequence, byte[] Hash)>();
        Statement rows = connection.Prepare($"SELECT {EventHash.Columns} FROM event ORDER BY sequence");
        var (head, buffer) = (new byte[32], new byte[4096]);
        while (rows.Step())
        {
            int length = 32 + EventHash.Encode(rows, ref buffer, 32);
            EventHash.Chain(head, buffer.AsSpan(0, length), head);
            hashes.Add((rows.Integer(0), [.. head]));
        }

        Statement update = connection.Prepare("UPDATE event SET hash = ? WHERE sequence = ?");
        foreach ((long sequence, byte[] hash) in hashes)
        {
            update.Blob(0, hash);
            update.Integer(1, sequence);
            update.Execute();
        }

        connection.EndUnit();
    }

    public VerifyReport Verify() => Maintenance.Verify(Store.DatabasePath, Store.KeyPath, null, CancellationToken.None);

    public void Dispose() => Store.Dispose();
}
