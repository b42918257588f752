using Auraed.Store;
using Auraed.Store.Events;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>A process killed at every step of appending, handing out and settling: an event is settled when, and only when, what it causes is there.</summary>
public sealed class CursorCrashes : IDisposable
{
    private readonly StoreFixture _fixture = new();
    private readonly Random _random;

    public CursorCrashes(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData("cursor.created", 1)]
    [InlineData("append.event", 50)]
    [InlineData("cursor.delivered", 50)]
    [InlineData("cursor.redelivered", 15)]
    [InlineData("cursor.acknowledged", 50)]
    [InlineData("commit.before", 150)]
    [InlineData("commit.after", 150)]
    [InlineData("group.answered", 150)]
    public async Task A_kill_leaves_each_event_settled_with_its_effect_or_to_be_handed_out(string point, int timesMax)
    {
        await using var child = ChildProcess.Start(
            _fixture.Root, Environment.ProcessPath!, Support.Program.Assembly, "cursors", _fixture.Library, _fixture.KeyPath, point, $"{1 + _random.Next(timesMax)}");
        Assert.True(await child.WaitForExitAsync() == 128 + 9, child.Output);

        await using var database = _fixture.Open();
        var report = await database.VerifyAsync(null, default);
        Assert.True(report.IsSound, string.Join("; ", report.Findings));
        var (made, settled, done) = await database.ReadAsync(Look, default);
        Assert.Equal(done, settled);
        Assert.Subset(made.ToHashSet(), settled.ToHashSet());
        // At most one was on its way.
        Assert.InRange(made.Count - settled.Count, 0, 1);
        Assert.Equal(made.LastOrDefault(), await database.WriteAsync(unit => StreamRows.Last(unit, "default", CursorChild.Subject), default));
    }

    /// <summary>The events of the stream, those of them that are settled, and those whose record is there.</summary>
    private static (List<long> Made, List<long> Settled, List<long> Done) Look(ReadUnit unit)
    {
        var made = Numbers(unit, "SELECT sequence FROM event WHERE kind = 'app.made' ORDER BY 1");
        var done = Numbers(unit, "SELECT CAST(substr(id, 6) AS INTEGER) FROM virtual_machine ORDER BY 1");
        if (new CursorRows(unit).Find("default", CursorChild.CursorName) is not { } cursor)
        {
            return (made, [], done);
        }

        var rows = new DeliveryRows(unit.Prepare, cursor.RowId);
        return (made, [.. made.Where(sequence => sequence <= cursor.Frontier && rows.Find(sequence) is null)], done);
    }

    private static List<long> Numbers(ReadUnit unit, string sql)
    {
        var rows = unit.Prepare(sql);
        var numbers = new List<long>();
        while (rows.Step())
        {
            numbers.Add(rows.Integer(0));
        }

        return numbers;
    }
}
