using System.Diagnostics;
using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Faults;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.EndToEnd;

/// <summary>The shipped binary killed at any moment while it swaps the database: the old one is there whole, or the new one.</summary>
public sealed class UpkeepKills : IDisposable
{
    private const int Rounds = 12;
    private const int EventsCount = 1500;

    private readonly BinaryHost _host = new();
    private readonly Random _random;

    public UpkeepKills(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_rekey_killed_at_any_moment_leaves_a_file_that_one_of_the_keys_opens()
    {
        await FillAsync(EventsCount);
        var spare = _host.Fixture["spare.key"];
        Tool.Run("openssl", "genpkey", "-algorithm", "ED25519", "-out", spare).Succeeded();
        var whole = Stopwatch.StartNew();
        _host.Run("rekey", "--new-key", spare).Succeeded();
        var length = whole.Elapsed;
        Exchange(_host.ServerKey, spare);
        for (var round = 0; round < Rounds; round++)
        {
            await KillAsync(length, "rekey", "--new-key", spare);
            string[] opening = [.. new[] { _host.ServerKey, spare }.Where(Opens)];
            Assert.True(opening.Length == 1, $"round {round}: {opening.Length} of the two keys open the file");
            await HoldsAsync(opening[0], EventsCount);
            if (opening[0] == spare)
            {
                Exchange(_host.ServerKey, spare);
            }
        }

        _host.Run("rekey", "--new-key", spare).Succeeded();
        await HoldsAsync(spare, EventsCount);
    }

    [Fact]
    public async Task A_restore_killed_at_any_moment_leaves_the_old_database_or_the_new_one()
    {
        await FillAsync(EventsCount);
        var copy = _host.Fixture["copy.db"];
        File.Copy(_host.DatabasePath, copy);
        await FillAsync(10);
        var current = _host.Fixture["current.db"];
        File.Copy(_host.DatabasePath, current);
        var whole = Stopwatch.StartNew();
        _host.Run("restore", copy).Succeeded();
        var length = whole.Elapsed;
        for (var round = 0; round < Rounds; round++)
        {
            var (from, events) = round % 2 == 0 ? (current, EventsCount + 10) : (copy, EventsCount);
            var before = await HoldsAsync(_host.ServerKey, null);
            await KillAsync(length, "restore", from);
            var after = await HoldsAsync(_host.ServerKey, null);
            Assert.True(after == before || after == events, $"round {round}: {before} events, and then {after}");
        }
    }

    private async Task KillAsync(TimeSpan length, params string[] arguments)
    {
        await using var child = ChildProcess.Start(_host.Root, PublishedBinary.Path, [.. arguments, "--root", _host.Root]);
        await Task.Delay(length * _random.NextDouble());
        // Disposing kills it.
    }

    private bool Opens(string key)
    {
        try
        {
            // Completes a swap that the kill cut off, and migrates nothing.
            _ = Maintenance.PlanMigration(_host.Options with { KeyPath = key }, null);
            return true;
        }
        catch (Auraed.Base.Fault fault) when (fault.Reason == "WRONG_KEY")
        {
            return false;
        }
    }

    private static void Exchange(string left, string right)
    {
        var (first, second) = (File.ReadAllText(left), File.ReadAllText(right));
        File.WriteAllText(left, second);
        File.WriteAllText(right, first);
    }

    private async Task FillAsync(int count)
    {
        await using var database = Database.Open(_host.Options);
        await Task.WhenAll(Enumerable.Range(0, count).Select(number => StoreFixture.AppendAsync(database, $"s{number}", 6000)));
    }

    private async Task<long> HoldsAsync(string key, long? events)
    {
        await using var database = Database.Open(_host.Options with { KeyPath = key, CreateIfMissing = false });
        var report = await database.VerifyAsync(null, CancellationToken.None);
        Assert.True(report.IsSound, string.Join('\n', report.Findings));
        Assert.Equal(database.Durable, report.Events);
        Assert.True(events is null || events == report.Events, $"{report.Events} events");
        return report.Events;
    }
}
