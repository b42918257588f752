using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Row = System.Collections.Generic.Dictionary<string, object>;

namespace Auraed.Migrations.ReadModel;

/// <summary>
/// The records of a daemon's file, or of a backup of it, for LINQ; read-only. Each row is a dictionary by column name:
/// <c>context.Records("virtual_machine").Where(r => (long)r["vcpu_count"] > 4)</c>.
/// </summary>
/// <param name="model">The tables; <see cref="Current"/> are those of this release.</param>
/// <param name="path">The file.</param>
/// <param name="key">The 32 bytes that the daemon derives from server.key for the database.</param>
public sealed class RecordContext(SchemaModel model, string path, ReadOnlyMemory<byte> key) : DbContext
{
    /// <summary>The tables after the last migration.</summary>
    public static SchemaModel Current { get; } = ReadCurrent();

    private SchemaModel Schema => model;

    /// <summary>The rows of a record table or of a child table.</summary>
    public IQueryable<Row> Records(string table) => Set<Row>(table).AsNoTracking();

    protected override void OnConfiguring(DbContextOptionsBuilder options)
    {
        EngineProvider.Use();
        var connection = new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false };
        options.UseSqlite(connection.ToString())
            .AddInterceptors(new KeyInterceptor(key))
            .ReplaceService<IModelCacheKeyFactory, KeyPerModel>()
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking);
    }

    protected override void OnModelCreating(ModelBuilder builder) => RecordModel.Configure(builder, model);

    private static SchemaModel ReadCurrent()
    {
        using var stream = typeof(RecordContext).Assembly.GetManifestResourceStream(Snapshots.SchemaFile)!;
        using var reader = new StreamReader(stream);
        return Snapshots.ReadSchema(reader.ReadToEnd());
    }

    private sealed class KeyPerModel : IModelCacheKeyFactory
    {
        public object Create(DbContext context, bool designTime) => (((RecordContext)context).Schema, designTime);
    }

    /// <summary>
    /// Gives the key as the first statement of a connection. A raw key: the engine derives nothing from it. Then the pages' seal: SHA-256, or SHA-512 in an
    /// older file; the wrong one reads as no database (code 26).
    /// </summary>
    private sealed class KeyInterceptor(ReadOnlyMemory<byte> key) : DbConnectionInterceptor
    {
        private const int NotADatabase = 26;

        public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData data) => Unlock(connection);

        public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData data, CancellationToken cancel = default)
        {
            Unlock(connection);
            return Task.CompletedTask;
        }

        private void Unlock(DbConnection connection)
        {
            try
            {
                Unlock(connection, "HMAC_SHA256");
            }
            catch (SqliteException refused) when (refused.SqliteErrorCode == NotADatabase)
            {
                Unlock(connection, "HMAC_SHA512");
            }
        }

        private void Unlock(DbConnection connection, string seal)
        {
            using var command = connection.CreateCommand();
            command.CommandText = $"PRAGMA key = \"x'{Convert.ToHexStringLower(key.Span)}'\"; PRAGMA cipher_hmac_algorithm = {seal}; SELECT count(*) FROM sqlite_schema";
            _ = command.ExecuteScalar();
        }
    }
}
