namespace Auraed.Base;

/// <summary>Fires once, when the daemon begins to stop. Calls without an end of their own (watches) end then; all others run to their end.</summary>
public sealed class DrainSignal : IDisposable
{
    private readonly CancellationTokenSource _source = new();

    public CancellationToken Token => _source.Token;

    public bool IsDraining => _source.IsCancellationRequested;

    /// <summary>Idempotent.</summary>
    public void Begin() => _source.Cancel();

    public void Dispose() => _source.Dispose();
}
