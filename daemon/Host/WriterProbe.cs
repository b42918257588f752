using Auraed.Base;
using Auraed.Store;

namespace Auraed.Host;

/// <summary>
/// Asks the store's writer for a sign of life: a unit of work that changes nothing, through the queue that every write takes. It has no file operation of its
/// own. Invariant: the pulse is inside from the question to its answer. Asked by one caller at a time.
/// </summary>
internal sealed class WriterProbe(Database database, Pulses pulses)
{
    private readonly Pulse _pulse = pulses.Add("store writer", Limits.WriterRoundMax);
    private volatile bool _isAsking;
    private bool _isInside;
    private long _done;

    /// <summary>Does nothing while the last question waits for its answer.</summary>
    public void Ask()
    {
        if (_isAsking)
        {
            return;
        }

        _isAsking = true;
        if (!_isInside)
        {
            _isInside = true;
            _pulse.Enter();
        }

        _ = RoundAsync();
    }

    private async Task RoundAsync()
    {
        var isAlive = true;
        try
        {
            await database.AskWriterAsync().ConfigureAwait(false);
        }
        catch (Fault fault)
        {
            // A full queue says nothing by itself: it is a busy writer's while work gets done. Any other refusal is an answer.
            isAlive = fault.Kind != FaultKind.Exhausted || _done != Done();
        }

        _done = Done();
        if (isAlive)
        {
            _isInside = false;
            _pulse.Leave();
        }

        _isAsking = false;
    }

    private long Done() => database.Writes.Units + database.Writes.UnitsRefused + database.Writes.UnitsFailed;
}
