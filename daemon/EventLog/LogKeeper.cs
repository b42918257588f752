using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Proof;

namespace Auraed.EventLog;

/// <summary>
/// Keeps the tree over the events and signs it: off the writer's thread, in rounds, at intervals, and when the daemon stops. Invariants: it signs only
/// what it has held to the chain; checkpoints never cover less than one before; the tree is grown by one caller at a time.
/// </summary>
/// <param name="checkpointInterval">Zero signs after many events and on stop only.</param>
public sealed class LogKeeper(Database database, TimeProvider time, TimeSpan checkpointInterval) : IDisposable
{
    private const long NanosecondsPerTick = 100;
    private readonly SemaphoreSlim _turn = new(1);
    private TreeGrowth? _growth;
    private Checkpoint? _signed;

    /// <summary>The newest checkpoint; a fresh one when asked for and the log has grown since. Null before the first event.</summary>
    internal async Task<Checkpoint?> CheckpointAsync(bool isFresh, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await LoadAsync(cancel).ConfigureAwait(false);
            if (isFresh || _signed is null)
            {
                await SignAsync(cancel).ConfigureAwait(false);
            }

            return _signed;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The checkpoint that covers this event, signed now when there is none yet. Fault(OutOfRange) for one that lies in the future.</summary>
    internal async Task<Checkpoint> CoveringAsync(long sequence, CancellationToken cancel)
    {
        if (sequence > database.Durable)
        {
            throw new Fault(FaultKind.OutOfRange, $"event {sequence} lies in the future: the last one is {database.Durable}") { Reason = "EVENT_IN_FUTURE" };
        }

        Checkpoint? known = await database.ReadAsync(unit => CheckpointRows.Covering(unit.Prepare, sequence, database.Signer), cancel).ConfigureAwait(false);
        known ??= await CheckpointAsync(isFresh: true, cancel).ConfigureAwait(false);
        return known is not null && known.Size >= sequence ? known : throw Fault.NotFound("the log is empty");
    }

    /// <summary>Grows and signs until cancelled; told of what fails, it rests and goes on.</summary>
    public async Task RunAsync(Action<Fault> failed, CancellationToken cancel)
    {
        if (database.Signer is null)
        {
            failed(CannotSign());
            return;
        }

        // The daemon's start goes on meanwhile, however much there is to read.
        await Task.Yield();
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await RoundAsync(cancel).ConfigureAwait(false);
            }
            catch (Fault fault)
            {
                if (database.Failure is not null)
                {
                    return;
                }

                failed(fault);
                await RestAsync(Limits.LogKeeperRetry, cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>Before the database closes, so that what follows a restart builds on what is signed. What it would take long to read is left to the next start.</summary>
    public async Task StopAsync(Action<Fault> failed)
    {
        if (database.Failure is not null || database.Signer is null)
        {
            return;
        }

        try
        {
            await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            await LoadAsync(CancellationToken.None).ConfigureAwait(false);
            if (database.Durable - _growth!.Size <= 4 * Limits.CheckpointEventsMax)
            {
                await SignAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Fault fault)
        {
            failed(fault);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task RoundAsync(CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        long after;
        TimeSpan wait;
        try
        {
            await LoadAsync(cancel).ConfigureAwait(false);
            bool isOfOtherKey = _signed is not null && database.Signer?.IsSignerOf(_signed) == false;
            if (isOfOtherKey || IsDue())
            {
                await SignAsync(cancel, isPatient: true).ConfigureAwait(false);
            }
            else if (database.Durable - _growth!.Size >= Limits.TreeReadEventsMax)
            {
                await GrowAsync(database.Durable - Limits.TreeReadEventsMax + 1, isPatient: true, cancel).ConfigureAwait(false);
            }

            after = WaitAfter(_growth!.Size, _signed?.Size ?? 0, database.Durable);
            wait = !HasNews || checkpointInterval == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : Age() is var age && age < checkpointInterval ? checkpointInterval - age : TimeSpan.Zero;
        }
        finally
        {
            _turn.Release();
        }

        await WaitAsync(after, wait, cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// The sequence that must be passed before there is work again, but for time. What is signed need not have been taken since the start: the tree is
    /// loaded up to its last whole block, so only what was signed tells that nothing is left to do.
    /// </summary>
    internal static long WaitAfter(long grown, long signed, long durable) =>
        durable > signed ? grown + Limits.TreeReadEventsMax - 1 : Math.Max(grown, signed);

    private bool HasNews => database.Durable > (_signed?.Size ?? 0);

    private bool IsDue() => HasNews && ((checkpointInterval > TimeSpan.Zero && Age() >= checkpointInterval) || database.Durable - (_signed?.Size ?? 0) >= Limits.CheckpointEventsMax);

    /// <summary>Of the newest checkpoint; without one, and under a clock that was set back, as long as can be.</summary>
    private TimeSpan Age()
    {
        TimeSpan age = _signed is null ? TimeSpan.MaxValue : TimeSpan.FromTicks((Now() - _signed.Time) / NanosecondsPerTick);
        return age < TimeSpan.Zero ? TimeSpan.MaxValue : age;
    }

    private async Task LoadAsync(CancellationToken cancel)
    {
        if (_growth is null)
        {
            (_growth, _signed) = await database.ReadAsync(unit => (TreeGrowth.Load(unit.Prepare), CheckpointRows.Last(unit.Prepare)), cancel).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Until it holds that event, and what else the last reading takes along. Not until there is no more: that never comes while others write. Nobody waits for
    /// it but who asks for a checkpoint, so that otherwise no commit is asked for either.
    /// </summary>
    private async Task GrowAsync(long sequence, bool isPatient, CancellationToken cancel)
    {
        try
        {
            while (_growth!.Size < sequence && await ReadAsync().ConfigureAwait(false) > 0)
            {
                if (_growth.Pending > 0)
                {
                    CrashPoint.Reach("tree.read");
                    await database.WriteAsync(unit => _growth.Write(unit.Prepare), cancel, WritePriority.Upkeep).ConfigureAwait(false);
                    _growth.Written();
                }
            }
        }
        catch
        {
            // What was taken and not written is taken anew, from what the file holds.
            _growth = null;
            throw;
        }

        Task<long> ReadAsync() =>
            isPatient ? database.ReadPatientlyAsync(unit => _growth.Read(unit.Prepare), cancel) : database.ReadAsync(unit => _growth.Read(unit.Prepare), cancel);
    }

    private async Task SignAsync(CancellationToken cancel, bool isPatient = false)
    {
        CheckpointKey signer = database.Signer ?? throw CannotSign();
        await LoadAsync(cancel).ConfigureAwait(false);
        await GrowAsync(database.Durable, isPatient, cancel).ConfigureAwait(false);
        if (_growth!.Size == 0 || (_signed is not null && _signed.Size == _growth.Size && signer.IsSignerOf(_signed)))
        {
            return;
        }

        Checkpoint checkpoint = _growth.Sign(signer, database.Id, Now());
        CrashPoint.Reach("checkpoint.signed");
        await database.WriteAsync(
            unit =>
            {
                CheckpointRows.Insert(unit.Prepare, checkpoint);
                return 0;
            },
            cancel).ConfigureAwait(false);
        CrashPoint.Reach("checkpoint.kept");
        _signed = checkpoint;
    }

    private static Fault CannotSign() =>
        new(FaultKind.Unimplemented, "server.key is of a kind that signs no checkpoints: it must be RSA or ECDSA", hint: "auraed rekey --new-key PATH") { Reason = "KEY_CANNOT_SIGN" };

    private long Now() => (time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) * NanosecondsPerTick;

    private async Task WaitAsync(long after, TimeSpan wait, CancellationToken cancel)
    {
        using var timer = new CancellationTokenSource(wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancel);
        try
        {
            await database.WaitForSequenceAsync(after, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // Time for the next checkpoint.
        }
    }

    private async Task RestAsync(TimeSpan rest, CancellationToken cancel)
    {
        try
        {
            await Task.Delay(rest, time, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop's condition ends it.
        }
    }
}
