using Auraed.Base;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>
/// Moves frames of the log into the file on a connection and a thread of its own, while the writer goes on at the log's end. Invariants: a pass is started and its
/// outcome taken by the writer's thread alone; a pass that met the disk's refusal is the last one, and <see cref="Failure"/> says so before anything
/// more is acknowledged.
/// </summary>
internal sealed class LogMover(Func<Connection> open, Action wake) : IDisposable
{
    private readonly ManualResetEventSlim _idle = new(true);
    private readonly AutoResetEvent _wanted = new(false);
    private Connection? _connection;
    private Thread? _thread;
    private Fault? _failure;
    private volatile bool _ending;

    public bool IsRunning => !_idle.IsSet;

    public Fault? Failure => Volatile.Read(ref _failure);

    /// <summary>Frames from the log's beginning that the last pass left in the file; null when it was in somebody's way.</summary>
    public int? Moved { get; private set; }

    /// <summary>Begins a pass; none may be under way.</summary>
    public void Start()
    {
        if (_thread is null)
        {
            _connection = open();
            _thread = new Thread(Loop) { Name = "store mover", IsBackground = true };
            _thread.Start();
        }

        Moved = null;
        _idle.Reset();
        _ = _wanted.Set();
    }

    /// <summary>Waits for the pass under way. Fault: the disk refused it.</summary>
    public void Wait()
    {
        _idle.Wait();
        if (Failure is { } failure)
        {
            throw failure;
        }
    }

    public void Dispose()
    {
        _ending = true;
        _ = _wanted.Set();
        _thread?.Join();
        _connection?.Dispose();
        _wanted.Dispose();
        _idle.Dispose();
    }

    private void Loop()
    {
        var last = -1;
        while (_wanted.WaitOne() && !_ending)
        {
            CrashPoint.Reach("mover.before");
            var code = _connection!.Checkpoint(raw.SQLITE_CHECKPOINT_PASSIVE, out _, out var moved);
            CrashPoint.Reach("mover.after");
            if (code == raw.SQLITE_OK && moved != last)
            {
                // The engine syncs the file only after a pass that took the last frame, and that is the writer's: without this it would wait there for all of them.
                // With a reader in the way there is nothing new to sync.
                code = _connection.SyncFile();
                CrashPoint.Reach("mover.synced");
            }

            if (code == raw.SQLITE_OK)
            {
                Moved = last = moved;
            }
            else if (!Checkpointer.IsHarmless(_connection, code))
            {
                Volatile.Write(ref _failure, _connection.FaultOf(code, "a checkpoint failed"));
            }

            _idle.Set();
            wake();
        }
    }
}
