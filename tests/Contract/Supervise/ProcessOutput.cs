using Auraed.Supervise;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Supervise;

/// <summary>What processes write: kept in bounds, read from anywhere, followed, and there again for the daemon that comes after.</summary>
public sealed class ProcessOutput : IDisposable
{
    private const int BytesMax = 256 * 1024;
    private readonly TemporaryDirectory _directory = new();
    private readonly ManualTime _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    private ProcessLogs _logs;

    public ProcessOutput() => _logs = Open();

    [Fact]
    public async Task The_last_lines_are_found_and_a_line_without_an_end_is_told()
    {
        ProcessLog log = Write("one\ntwo\nthree");
        Assert.Equal(["two", "three"], await LinesAsync(log, ProcessLogs.OffsetOfLast(log, 2)));
        Assert.Equal(["one", "two", "three"], await LinesAsync(log, ProcessLogs.OffsetOfLast(log, 9)));
        Assert.Empty(await LinesAsync(log, ProcessLogs.OffsetOfLast(log, 0)));
        Write("\n");
        Assert.Equal(["three"], await LinesAsync(log, ProcessLogs.OffsetOfLast(log, 1)));
    }

    [Fact]
    public async Task A_follower_sees_what_is_written_later_and_ends_with_the_process()
    {
        ProcessLog log = Write("before\n");
        var ended = new TaskCompletionSource();
        await using IAsyncEnumerator<LogLine> lines = _logs.ReadAsync(log, 0, isFollowing: true, ended.Task, default).GetAsyncEnumerator();
        Assert.True(await lines.MoveNextAsync());
        ValueTask<bool> next = lines.MoveNextAsync();
        Write("aft");
        Assert.False(next.IsCompleted);
        Write("er\nlast");
        Assert.True(await next);
        Assert.Equal("after", lines.Current.Text);
        ended.SetResult();
        Assert.True(await lines.MoveNextAsync());
        Assert.Equal("last", lines.Current.Text);
        Assert.False(await lines.MoveNextAsync());
    }

    [Fact]
    public async Task What_is_too_much_goes_from_the_beginning_and_offsets_stay()
    {
        string line = new string('x', 99) + "\n";
        ProcessLog log = Write("first\n");
        for (int index = 0; index < 100; index++)
        {
            Write(string.Concat(Enumerable.Repeat(line, 100)));
            log.Note();
        }

        Write("newest\n");
        List<string> lines = await LinesAsync(log, 0);
        Assert.Equal("newest", lines[^1]);
        Assert.All(lines[..^1], kept => Assert.Equal(99, kept.Length));
        Assert.InRange(lines.Count, BytesMax / 200 - 100, (BytesMax + 20_000) / 100);
        Assert.Equal(6 + 100 * 100 * 100 + 7, log.End);
    }

    [Fact]
    public async Task Since_a_time_begins_where_that_time_was_written_for_the_next_daemon_too()
    {
        ProcessLog log = Write("old\n");
        log.Note();
        _time.Move(TimeSpan.FromMinutes(10));
        DateTimeOffset between = _time.GetUtcNow();
        _time.Move(TimeSpan.FromMinutes(10));
        Write("new\n");
        log.Note();
        Assert.Equal(["new"], await LinesAsync(log, log.OffsetAt(between)));
        _logs.Dispose();
        _logs = Open();
        log = _logs.Open("a");
        Assert.Equal(["new"], await LinesAsync(log, log.OffsetAt(between)));
        Assert.Equal(between - TimeSpan.FromMinutes(10), log.TimeAt(0));
        Assert.Equal(between + TimeSpan.FromMinutes(10), log.TimeAt(4));
    }

    [Fact]
    public async Task Times_that_a_power_cut_left_are_dropped()
    {
        ProcessLog log = Write("a\nb\n");
        string times = Path.ChangeExtension(log.Path, ".times");
        _logs.Dispose();
        File.WriteAllBytes(times, [0xff, 1, 2]);
        _logs = Open();
        Assert.Equal(["a", "b"], await LinesAsync(_logs.Open("a"), 0));
        Assert.Equal(0, _logs.Open("a").OffsetAt(_time.GetUtcNow()));
    }

    [Fact]
    public void A_name_leads_to_no_other_directory()
    {
        string[] names = ["", "..", ".hidden", "a/b", "a\0"];
        Assert.All(names, name => Assert.Throws<ArgumentException>(() => _logs.Open(name)));
    }

    public void Dispose()
    {
        _logs.Dispose();
        _directory.Dispose();
    }

    private ProcessLogs Open() => new(_directory["logs"], _time, BytesMax);

    private ProcessLog Write(string text)
    {
        ProcessLog log = _logs.Open("a");
        File.AppendAllText(log.Path, text);
        return log;
    }

    private async Task<List<string>> LinesAsync(ProcessLog log, long offset)
    {
        var lines = new List<string>();
        await foreach (LogLine line in _logs.ReadAsync(log, offset, isFollowing: false, null, default))
        {
            lines.Add(line.Text);
        }

        return lines;
    }
}
