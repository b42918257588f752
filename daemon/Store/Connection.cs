using System.Text;
using Auraed.Base;
using Auraed.Native;
using Auraed.Store.Journal;
using SQLitePCL;

namespace Auraed.Store;

internal enum ConnectionMode
{
    /// <summary>The one that writes and checkpoints.</summary>
    Write,
    /// <summary>The engine's read-only mode and query_only.</summary>
    Read,
    /// <summary>Makes the file.</summary>
    Create,
    /// <summary>Reads a file that nobody changes, without making a log or a lock beside it.</summary>
    Still,
}

/// <summary>
/// One keyed connection with its statement cache. Invariants: used by one thread at a time (only <see cref="Interrupt"/> may come from
/// another, while the connection is open); never checkpoints by itself.
/// </summary>
internal sealed class Connection : IDisposable
{
    private const int NoCheckpointOnClose = 1006;
    private const int EnableTriggers = 1003;
    private const int Defensive = 1010;
    private const int TrustedSchema = 1017;

    private readonly sqlite3 _handle;
    private readonly EngineHooks _hooks;
    private EngineCommit? _commit;
    private readonly TableVersions _tables;
    private readonly HashSet<int> _readsSeen = [];
    private readonly HashSet<int> _writesSeen = [];
    private Dictionary<string, Statement> _young = new(StringComparer.Ordinal);
    private Dictionary<string, Statement> _old = new(StringComparer.Ordinal);
    private readonly List<Statement> _loose = [];
    private readonly List<Statement> _touched = [];
    private Func<EngineAccess, bool>? _guard;
    private bool _schemaSeen;
    private bool _closed;

    private Connection(sqlite3 handle, TableVersions tables)
    {
        _handle = handle;
        _tables = tables;
        _hooks = new EngineHooks(handle) { Authorize = OnAccess };
    }

    public sqlite3 Handle => _handle;

    public int WalFrames => _hooks.WalFrames;

    public long WalCommits => _hooks.WalCommits;

    /// <summary>The numbers of tables.</summary>
    internal TableVersions Tables => _tables;

    /// <summary>Told of every statement that a unit starts, once; the unit collects its tables here.</summary>
    public Action<Statement>? Started { get; set; }

    /// <summary>Where changed rows are written down; null when nobody asks.</summary>
    public ChangeCapture? Changes { get; set; }

    /// <summary>How the file's pages are sealed.</summary>
    public SealForm Seal { get; private init; }

    /// <summary>False inside a transaction.</summary>
    public bool IsIdle => raw.sqlite3_get_autocommit(_handle) != 0;

    /// <param name="seal">The seal of the file that <see cref="ConnectionMode.Create"/> makes; a file that is there keeps its own.</param>
    public static Connection Open(string path, ConnectionMode mode, StoreKey key, TableVersions tables, string? vfs, SealForm seal = SealForm.Sha256)
    {
        var flags = raw.SQLITE_OPEN_NOMUTEX | mode switch
        {
            ConnectionMode.Write => raw.SQLITE_OPEN_READWRITE,
            ConnectionMode.Read => raw.SQLITE_OPEN_READONLY,
            ConnectionMode.Create => raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE,
            ConnectionMode.Still => raw.SQLITE_OPEN_READONLY | raw.SQLITE_OPEN_URI,
        };
        var name = mode == ConnectionMode.Still ? "file:" + Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal) + "?immutable=1" : path;
        var code = raw.sqlite3_open_v2(name, out var handle, flags, vfs!);
        if (code != raw.SQLITE_OK)
        {
            var message = raw.sqlite3_errmsg(handle).utf8_to_string();
            handle.Dispose();
            throw EngineError.ToFault(code, message, $"{path} cannot be opened");
        }

        var connection = new Connection(handle, tables) { Seal = mode == ConnectionMode.Create ? seal : PageSeal.FormOf(path, key) };
        try
        {
            connection.Configure(mode, key);
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        return connection;
    }

    /// <summary>
    /// A statement to bind and step. The same text gives the same statement again unless that is in the middle of its rows, in which case
    /// the caller gets another one of its own.
    /// </summary>
    public Statement Prepare(string sql)
    {
        if (_young.TryGetValue(sql, out var statement))
        {
            return statement.IsActive ? CompileLoose(sql) : statement;
        }

        if (_old.Remove(sql, out statement))
        {
            if (statement.IsActive)
            {
                _old.Add(sql, statement);
                return CompileLoose(sql);
            }
        }
        else
        {
            statement = Compile(sql);
        }

        Age();
        _young.Add(sql, statement);
        return statement;
    }

    /// <summary>A statement outside the cache, each of whose accesses the guard must allow; closed at the end of the unit.</summary>
    public Statement PrepareGuarded(string sql, Func<EngineAccess, bool> guard)
    {
        _guard = guard;
        try
        {
            return CompileLoose(sql);
        }
        finally
        {
            _guard = null;
        }
    }

    public void Execute(string sql)
    {
        var statement = CompileOnce(sql);
        try
        {
            statement.Execute();
        }
        finally
        {
            statement.Close();
        }
    }

    public long QueryInteger(string sql)
    {
        var statement = CompileOnce(sql);
        try
        {
            return statement.Step() ? statement.Integer(0) : 0;
        }
        finally
        {
            statement.Close();
        }
    }

    public IReadOnlyList<string> QueryTexts(string sql)
    {
        var statement = CompileOnce(sql);
        try
        {
            var texts = new List<string>();
            while (statement.Step())
            {
                texts.Add(statement.Text(0));
            }

            return texts;
        }
        finally
        {
            statement.Close();
        }
    }

    /// <summary>Runs a script of several statements, as a migration is.</summary>
    public void ExecuteScript(string sql)
    {
        var rest = sql;
        while (rest.Trim().Length > 0)
        {
            var code = raw.sqlite3_prepare_v2(_handle, rest, out var handle, out var tail);
            if (code != raw.SQLITE_OK)
            {
                throw FaultOf(code, "a statement of a script is wrong");
            }

            rest = tail;
            if (handle.IsInvalid)
            {
                continue;
            }

            using (handle)
            {
                do
                {
                    code = raw.sqlite3_step(handle);
                }
                while (code == raw.SQLITE_ROW);

                if (code != raw.SQLITE_DONE)
                {
                    throw FaultOf(code, $"a statement of a script failed ({raw.sqlite3_sql(handle).utf8_to_string()})");
                }
            }
        }
    }

    /// <summary>Ends the running statement with Fault(Cancelled); from any thread.</summary>
    public void Interrupt() => raw.sqlite3_interrupt(_handle);

    /// <summary>True while deferred foreign keys are open, which would make the COMMIT fail for everyone in it.</summary>
    public bool HasDeferredViolations()
    {
        const int deferredForeignKeys = 10;
        _ = raw.sqlite3_db_status(_handle, deferredForeignKeys, out var current, out _, 0);
        return current != 0;
    }

    /// <summary>
    /// Begins a transaction that may write. A reader that finds the log's index half written takes the writer's lock for as long as it looks again
    /// (walIndexReadHdr in SQLite's wal.c), so a lock that is taken is waited for.
    /// </summary>
    public void BeginWrite()
    {
        // For this statement alone: a checkpoint must not wait for readers.
        _ = raw.sqlite3_busy_timeout(_handle, (int)Limits.StoreBeginMax.TotalMilliseconds);
        try
        {
            Prepare("BEGIN IMMEDIATE").Execute();
        }
        finally
        {
            _ = raw.sqlite3_busy_timeout(_handle, 0);
        }
    }

    /// <summary>Ends the transaction. The pages of a large one are enciphered by two threads.</summary>
    public void Commit()
    {
        _commit ??= new EngineCommit();
        _commit.Begin(_handle);
        try
        {
            Prepare("COMMIT").Execute();
        }
        finally
        {
            _commit.End();
        }
    }

    /// <summary>As <see cref="Commit"/>, and durable before any reader sees it, whatever the connection's synchronous is.</summary>
    public void CommitSynced()
    {
        EngineCommit.SetSynced(_handle, true);
        try
        {
            Commit();
        }
        finally
        {
            EngineCommit.SetSynced(_handle, false);
        }
    }

    /// <summary>Writes some of what the COMMIT would otherwise write, those pages that were left alone the longest. Returns how many; between statements.</summary>
    public int WriteAhead(int keep, int max) => (_commit ??= new EngineCommit()).WriteAhead(_handle, keep, max);

    public Fault FaultOf(int code, string doing) => EngineError.Of(_handle, code, doing);

    /// <summary>True when the engine's last failure, with this extended code, was for want of room (<see cref="EngineError.IsFull"/>).</summary>
    public bool IsFull(int code) => EngineError.IsFull(code, EngineFiles.SystemError(_handle));

    /// <summary>The fault, or DISK_FULL in its place when it was for want of room; before anything else fails on this connection.</summary>
    public Fault ForWantOfRoom(Fault fault, string doing) => fault.InnerException is EngineException engine && IsFull(engine.Code)
        ? EngineError.ToFault(raw.SQLITE_FULL, fault.Message, doing)
        : fault;

    /// <summary>Moves log frames into the file. Returns the engine's code; a failed sync in here is as fatal as in a commit.</summary>
    public int Checkpoint(int mode, out int logFrames, out int movedFrames) =>
        raw.sqlite3_wal_checkpoint_v2(_handle, "main", mode, out logFrames, out movedFrames);

    /// <summary>
    /// Moves the whole log into the file and cuts it to nothing. Fault DATABASE_LOCKED when somebody reads an older state, DISK_FULL, or DISK_FAILED; then the log holds what it held.
    /// </summary>
    public void Fold()
    {
        var code = Checkpoint(raw.SQLITE_CHECKPOINT_TRUNCATE, out _, out _);
        if (code != raw.SQLITE_OK)
        {
            throw FaultOf(code, "the log cannot be folded into the file");
        }
    }

    /// <summary>Makes every commit in the log durable. Fault(Internal) when the disk refuses, and then nobody knows what it kept.</summary>
    public void SyncLog()
    {
        var code = EngineFiles.SyncLog(_handle);
        if (code != raw.SQLITE_OK)
        {
            throw EngineError.ToFault(code, raw.sqlite3_errstr(code).utf8_to_string(), "the log could not be made durable");
        }
    }

    /// <summary>Makes what checkpoints wrote into the file durable, whichever connection ran them; returns the engine's code.</summary>
    public int SyncFile() => EngineFiles.SyncFile(_handle);

    /// <summary>The last connection of a stopped database leaves one file.</summary>
    public void FoldOnClose() => raw.sqlite3_db_config(_handle, NoCheckpointOnClose, 0, out _);

    /// <summary>
    /// Until <see cref="EndRawWrites"/> rows are written as they are: no trigger, no foreign key, and the tables behind full-text indexes like any other.
    /// Outside a transaction, and for rows that went through all of that before.
    /// </summary>
    public void BeginRawWrites() => SetRawWrites(true);

    public void EndRawWrites() => SetRawWrites(false);

    /// <summary>After a unit of work: every statement that it started is reset and has forgotten its values.</summary>
    public void EndUnit()
    {
        foreach (var statement in _touched)
        {
            statement.Clear();
        }

        _touched.Clear();
        foreach (var statement in _loose)
        {
            statement.Close();
        }

        _loose.Clear();
    }

    /// <summary>Before a rollback, which open rows would refuse.</summary>
    public void ResetUnit()
    {
        foreach (var statement in _touched)
        {
            statement.Reset();
        }
    }

    public void Dispose()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        foreach (var statement in _young.Values.Concat(_old.Values).Concat(_loose))
        {
            statement.Close();
        }

        _commit?.Dispose();
        _handle.Dispose();
        _hooks.Dispose();
    }

    internal void OnStart(Statement statement)
    {
        if (!statement.IsTouched)
        {
            statement.IsTouched = true;
            _touched.Add(statement);
            if (statement.ChangesSchema)
            {
                Changes?.Omit();
            }

            Started?.Invoke(statement);
        }
    }

    private void Configure(ConnectionMode mode, StoreKey key)
    {
        _ = raw.sqlite3_extended_result_codes(_handle, 1);
        _ = raw.sqlite3_db_config(_handle, NoCheckpointOnClose, 1, out _);
        key.Apply(_handle);
        if (Seal == SealForm.Sha256)
        {
            Execute("PRAGMA cipher_hmac_algorithm = HMAC_SHA256");
        }

        _ = raw.sqlite3_db_config(_handle, Defensive, 1, out _);
        _ = raw.sqlite3_db_config(_handle, TrustedSchema, 0, out _);
        Execute("PRAGMA cell_size_check = ON");
        Execute("PRAGMA temp_store = MEMORY");
        Execute("PRAGMA foreign_keys = ON");
        if (mode is ConnectionMode.Read or ConnectionMode.Still)
        {
            Execute("PRAGMA query_only = ON");
            Execute($"PRAGMA cache_size = -{Limits.StoreReadCacheKibibytes}");
        }
        else
        {
            Execute($"PRAGMA cache_size = -{Limits.StoreWriteCacheKibibytes}");
            Execute("PRAGMA synchronous = FULL");
        }
    }

    private void SetRawWrites(bool isRaw)
    {
        Execute(isRaw ? "PRAGMA foreign_keys = OFF" : "PRAGMA foreign_keys = ON");
        _ = raw.sqlite3_db_config(_handle, EnableTriggers, isRaw ? 0 : 1, out _);
        _ = raw.sqlite3_db_config(_handle, Defensive, isRaw ? 0 : 1, out _);
    }

    /// <summary>A statement that no unit knows of; the caller closes it.</summary>
    private Statement CompileOnce(string sql)
    {
        var statement = Compile(sql);
        statement.IsTouched = true;
        return statement;
    }

    private Statement CompileLoose(string sql)
    {
        var statement = Compile(sql);
        _loose.Add(statement);
        return statement;
    }

    private Statement Compile(string sql)
    {
        _readsSeen.Clear();
        _writesSeen.Clear();
        _schemaSeen = false;
        var code = raw.sqlite3_prepare_v3(_handle, Encoding.UTF8.GetBytes(sql), 0, out var handle);
        if (code != raw.SQLITE_OK)
        {
            throw FaultOf(code, "a statement cannot be prepared");
        }

        return new Statement(this, handle, sql, [.. _readsSeen], [.. _writesSeen], _schemaSeen);
    }

    private bool OnAccess(EngineAccess access)
    {
        _schemaSeen |= EngineHooks.ChangesSchema(access);
        if (access.First is { } table && access.Schema is not "temp")
        {
            if (access.Action == EngineHooks.ActionRead)
            {
                _readsSeen.Add(_tables.NumberOf(table));
            }
            else if (access.Action is EngineHooks.ActionInsert or EngineHooks.ActionUpdate or EngineHooks.ActionDelete)
            {
                _writesSeen.Add(_tables.NumberOf(table));
            }
        }

        return _guard is null || _guard(access);
    }

    /// <summary>Two generations instead of a list by age: what was not used for a whole generation is closed.</summary>
    private void Age()
    {
        if (_young.Count < Limits.StoreStatementCountMax)
        {
            return;
        }

        foreach (var statement in _old.Values.Where(statement => !statement.IsActive))
        {
            statement.Close();
        }

        (_old, _young) = (_young, []);
    }
}
