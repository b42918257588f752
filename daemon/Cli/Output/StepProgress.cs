using System.Globalization;
using Auraed.Store;

namespace Auraed.Cli.Output;

/// <summary>The progress of work in several steps, each with its own unit: one line a step, by <see cref="Progress"/>.</summary>
internal sealed class StepProgress(Invocation invocation) : IDisposable
{
    private Progress? _current;
    private string _step = "";

    /// <summary>What the daemon streams; a message that carries no progress is passed over.</summary>
    public void Tell(Aurae.Admin.V0.Progress? progress)
    {
        if (progress is not null)
        {
            Tell(progress.Step, progress.Done, progress.Total);
        }
    }

    /// <summary>What the daemon streams of work on assets.</summary>
    public void Tell(Aurae.Assets.V0.AssetProgress? progress)
    {
        if (progress is not null)
        {
            Tell(progress.Step, progress.Done, progress.Total);
        }
    }

    /// <summary>What the store says of work that is done here.</summary>
    public void Tell(StoreProgress progress) => Tell(progress.Step, progress.Done, progress.Total);

    /// <summary>Ends the last step's line, before the result is printed.</summary>
    public void End()
    {
        _current?.Dispose();
        _current = null;
    }

    public void Dispose() => End();

    private void Tell(string step, long done, long total)
    {
        if (_current is null || step != _step)
        {
            End();
            _step = step;
            _current = new Progress(invocation.Terminal, invocation.Environment.Time, step, total > 0 ? total : null, Count);
        }

        _current.Report(done);
    }

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
