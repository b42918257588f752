namespace Auraed.Cli.Output;

/// <summary>
/// Tells how a long transfer goes, on standard error: a line that redraws itself for a person, a plain line now and then for a log.
/// Silent for work that ends within a second.
/// </summary>
internal sealed class Progress(Terminal terminal, TimeProvider time, string what, long? total = null, Func<long, string>? unit = null) : IDisposable
{
    private const int BarWidth = 24;

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RedrawEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(10);

    private readonly long _start = time.GetTimestamp();
    private readonly Func<long, string> _unit = unit ?? Units.Bytes;
    private TimeSpan _last;
    private long _done;
    private bool _isDrawn;

    /// <summary>What else there is to say, behind the rest; empty for nothing.</summary>
    public string Note { get; set; } = "";

    /// <summary>Adds what has been moved since the last call.</summary>
    public void Advance(long count) => Report(_done + count);

    /// <summary>Says how much has been moved in all.</summary>
    public void Report(long done)
    {
        _done = done;
        var elapsed = time.GetElapsedTime(_start);
        if (elapsed < Quiet || (_isDrawn && elapsed - _last < (terminal.IsInteractive ? RedrawEvery : LineEvery)))
        {
            return;
        }

        _last = elapsed;
        _isDrawn = true;
        Draw(elapsed);
    }

    /// <summary>Ends the line; says the total when anything was said before.</summary>
    public void Dispose()
    {
        if (!_isDrawn)
        {
            return;
        }

        Draw(time.GetElapsedTime(_start));
        if (terminal.IsInteractive)
        {
            terminal.Error.WriteLine();
        }
    }

    private void Draw(TimeSpan elapsed)
    {
        var rate = elapsed > TimeSpan.Zero ? _done / elapsed.TotalSeconds : 0;
        var text = total is { } all and > 0
            ? $"{what}  {Bar(all)} {_unit(_done)} of {_unit(all)}  {_unit((long)rate)}/s  {Left(all, rate)}"
            : $"{what}  {_unit(_done)}  {_unit((long)rate)}/s";
        text = Note.Length == 0 ? text : $"{text}  {Note}";
        if (terminal.IsInteractive)
        {
            terminal.Error.Write($"\r\e[K{Units.Cut(text, terminal.Width - 1)}");
        }
        else
        {
            terminal.Error.WriteLine(text);
        }

        terminal.Error.Flush();
    }

    private string Bar(long all)
    {
        var share = Math.Clamp((double)_done / all, 0, 1);
        var filled = (int)(share * BarWidth);
        return terminal.IsInteractive ? $"[{new string('#', filled)}{new string('.', BarWidth - filled)}] {share * 100,3:0}%" : $"{share * 100:0}%";
    }

    private string Left(long all, double rate) => _done >= all ? "done" : rate > 0 ? $"{Units.Span(TimeSpan.FromSeconds((all - _done) / rate))} left" : "stalled";
}
