using Auraed.Native;

namespace Auraed.Chunks;

/// <summary>
/// Threads of their own for what an ingest costs the processor: inflating and hashing. On the pool's threads it would be in front of every other call's next step, some
/// milliseconds each time; here the kernel shares the cores, and gives these the smaller part. Invariant: one job's parts may run side by side, and it is
/// done when all have ended.
/// </summary>
internal sealed class CheckCrew : IDisposable
{
    /// <summary>Of a nice value of 0 the kernel gives three times as much time.</summary>
    private const int Niceness = 5;

    /// <summary>Guarded by itself. Whoever waits for a job sleeps at once: the next one is some milliseconds away, and the cores are busy.</summary>
    private readonly Queue<Job> _jobs = [];
    private readonly Thread[] _threads = new Thread[Environment.ProcessorCount];
    private bool _hasStarted;
    private bool _isClosed;

    /// <summary>Runs the parts 0 to <paramref name="count"/> - 1; an exception of one is the caller's, and parts that have not begun then never do.</summary>
    public Task RunAsync(int count, Action<int> part)
    {
        if (count == 0)
        {
            return Task.CompletedTask;
        }

        var job = new Job(count, part);
        lock (_jobs)
        {
            Start();
            for (int thread = Math.Min(count, _threads.Length); thread > 0; thread--)
            {
                _jobs.Enqueue(job);
                Monitor.Pulse(_jobs);
            }
        }

        return job.Task;
    }

    public void Dispose()
    {
        lock (_jobs)
        {
            _isClosed = true;
            Monitor.PulseAll(_jobs);
        }

        foreach (Thread? thread in _threads)
        {
            thread?.Join();
        }
    }

    private void Start()
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        for (int index = 0; !_hasStarted && index < _threads.Length; index++)
        {
            _threads[index] = new Thread(Loop) { Name = $"check {index}", IsBackground = true };
            _threads[index].Start();
        }

        _hasStarted = true;
    }

    private void Loop()
    {
        ThreadPriorities.Lower(Niceness);
        while (Take() is { } job)
        {
            job.Run();
        }
    }

    /// <summary>Null when there will be no more.</summary>
    private Job? Take()
    {
        lock (_jobs)
        {
            while (_jobs.Count == 0 && !_isClosed)
            {
                _ = Monitor.Wait(_jobs);
            }

            return _jobs.TryDequeue(out Job? job) ? job : null;
        }
    }

    private sealed class Job(int count, Action<int> part)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Exception? _failure;
        private int _begun;
        private int _ended;

        public Task Task => _done.Task;

        public void Run()
        {
            for (int index = Interlocked.Increment(ref _begun) - 1; index < count; index = Interlocked.Increment(ref _begun) - 1)
            {
                if (Volatile.Read(ref _failure) is null)
                {
                    try
                    {
                        part(index);
                    }
                    catch (Exception failure)
                    {
                        _ = Interlocked.CompareExchange(ref _failure, failure, null);
                    }
                }

                if (Interlocked.Increment(ref _ended) == count)
                {
                    End();
                }
            }
        }

        private void End()
        {
            if (_failure is { } failure)
            {
                _done.SetException(failure);
            }
            else
            {
                _done.SetResult();
            }
        }
    }
}
