using System.Globalization;
using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>
/// What clients saw while the process was killed again and again, against one order: that of the event log. As every write has a revision, and every
/// read names the revision that it saw, a history is linearizable when that order agrees with the clock everywhere.
/// </summary>
public abstract class StoreHistory : IDisposable
{
    private const int Kills = 4;
    private readonly StoreFixture _fixture;
    private readonly Random _random;

    protected StoreHistory(Durability durability, ITestOutputHelper output)
    {
        _fixture = new StoreFixture(durability);
        _random = Seeds.Random(output);
    }

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task What_clients_saw_over_kills_is_linearizable_and_watches_are_ordered_unique_and_complete()
    {
        var lines = new List<List<string[]>>();
        for (var round = 1; round <= Kills; round++)
        {
            await using var child = Start(round, isLast: false);
            await Eventually.HoldsAsync(() => child.Output.Count(character => character == '\n') > 300 + _random.Next(1500), "the clients are at work");
            child.Kill();
            _ = await child.WaitForExitAsync();
            lines.Add(Parse(child.Output));
        }

        await using var last = Start(Kills + 1, isLast: true);
        Assert.Equal(0, await last.WaitForExitAsync());
        await last.WaitForLineAsync("end");
        var truth = Parse(last.Output).Where(line => line[0] == "told").Select(Told).ToList();
        Assert.NotEmpty(truth);
        Assert.Equal(Enumerable.Range(1, truth.Count).Select(number => (long)number), truth.Select(told => told.Sequence));
        foreach (var round in lines)
        {
            var told = round.Where(line => line[0] == "told").Select(Told).ToList();
            Assert.Equal(truth.Take(told.Count), told);
        }

        var history = new History(truth.Select(told => (told.Name, told.Value, told.Revision)));
        lines.SelectMany(round => round).ToList().ForEach(history.Take);
        Assert.True(history.Reads > 200 && history.Writes > 100, $"{history.Reads} reads, {history.Writes} writes");
        var violations = history.Violations();
        Assert.True(violations.Count == 0, string.Join('\n', violations));
    }

    private ChildProcess Start(int seed, bool isLast) => ChildProcess.Start(
        _fixture.Root, Environment.ProcessPath!, Support.Program.Assembly, "store", $"{_fixture.Durability}", "history", _fixture.Library, _fixture.KeyPath, "none", "0", $"{seed}", $"{isLast}");

    /// <summary>
    /// The lines that were written whole. The last one counts too: when it says that a write began, that write may be in the log without another word.
    /// </summary>
    private static List<string[]> Parse(string output) =>
        [.. output.Split('\n').Select(line => line.Split(' ')).Where(words => words[^1] == HistoryChild.Whole).Select(words => words[..^1])];

    private static (long Sequence, string Name, long Value, long Revision) Told(string[] line) =>
        (long.Parse(line[1], CultureInfo.InvariantCulture), line[2], long.Parse(line[3], CultureInfo.InvariantCulture), long.Parse(line[4], CultureInfo.InvariantCulture));
}

public sealed class StoreHistoryWal(ITestOutputHelper output) : StoreHistory(Durability.Wal, output);

public sealed class StoreHistoryJournal(ITestOutputHelper output) : StoreHistory(Durability.Journal, output);

/// <summary>Calls with their times, and where they disagree with the order of revisions.</summary>
internal sealed class History
{
    private readonly Dictionary<(string Name, long Value), long> _revisions;
    private readonly Dictionary<string, List<long>> _written;
    private readonly Dictionary<long, long> _begun = [];
    private readonly List<(long Revision, long Start, long End)> _writes = [];
    private readonly List<(string Name, long Revision, long Start, long End)> _seen = [];
    private readonly List<(long Revision, long Start, long End)> _lists = [];
    private readonly List<string> _wrong = [];

    public History(IEnumerable<(string Name, long Value, long Revision)> truth)
    {
        var rows = truth.ToList();
        _revisions = rows.ToDictionary(row => (row.Name, row.Value), row => row.Revision);
        _written = rows.GroupBy(row => row.Name).ToDictionary(group => group.Key, group => group.Select(row => row.Revision).Order().ToList());
    }

    public int Reads => _seen.Count;

    public int Writes => _writes.Count;

    public void Take(string[] line)
    {
        long Number(int index) => long.Parse(line[index], CultureInfo.InvariantCulture);
        switch (line[0])
        {
            case "begun":
                _begun[Number(2)] = Number(3);
                break;
            case "wrote":
                Check(_revisions.GetValueOrDefault((line[1], Number(2))) == Number(3), line, "was acknowledged and is not in the log");
                _writes.Add((Number(3), Number(4), Number(5)));
                _seen.Add((line[1], Number(3), Number(4), Number(5)));
                break;
            case "read":
                Saw(line, line[1], Number(2), Number(3), Number(4), Number(5));
                break;
            case "listed":
                _lists.Add((Number(1), Number(2), Number(3)));
                foreach (var item in line[4..].Where(item => item.Length > 0))
                {
                    var parts = item.Split('=', '@');
                    var revision = long.Parse(parts[2], CultureInfo.InvariantCulture);
                    Saw(line, parts[0], long.Parse(parts[1], CultureInfo.InvariantCulture), revision, Number(2), Number(3));
                    // A page is one moment: each record is the newest of that moment.
                    Check(_written[parts[0]].FindLast(written => written <= Number(1)) == revision, line, $"shows {parts[0]} of another moment");
                }

                break;
            default:
                break;
        }
    }

    public List<string> Violations()
    {
        foreach (var calls in _seen.GroupBy(call => call.Name))
        {
            Order([.. calls.Select(call => (call.Revision, call.Start, call.End))], [.. calls.Select(call => (call.Revision, call.Start, call.End))], calls.Key);
        }

        Order(_writes, _writes, "writes");
        Order(_writes, _lists, "lists");
        return [.. _wrong.Take(10)];
    }

    private void Saw(string[] line, string name, long value, long revision, long start, long end)
    {
        Check(revision == 0 || _revisions.GetValueOrDefault((name, value)) == revision, line, "saw what is not in the log");
        Check(revision == 0 || (_begun.TryGetValue(value, out var begun) && begun < end), line, "saw a write that had not begun");
        _seen.Add((name, revision, start, end));
    }

    /// <summary>Whatever began after another call had ended is not before it in the order.</summary>
    private void Order(List<(long Revision, long Start, long End)> ended, List<(long Revision, long Start, long End)> begun, string what)
    {
        var byEnd = ended.OrderBy(call => call.End).ToList();
        var next = 0;
        var newest = 0L;
        foreach (var call in begun.OrderBy(call => call.Start))
        {
            for (; next < byEnd.Count && byEnd[next].End < call.Start; next++)
            {
                newest = Math.Max(newest, byEnd[next].Revision);
            }

            if (call.Revision < newest)
            {
                _wrong.Add($"{what}: revision {call.Revision} was seen from {call.Start} on, after {newest} had been answered");
            }
        }
    }

    private void Check(bool holds, string[] line, string what)
    {
        if (!holds)
        {
            _wrong.Add($"{string.Join(' ', line)}: {what}");
        }
    }
}
