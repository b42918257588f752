using System.Text.Json;
using Aurae.Events.V0;
using Auraed.Tests.Support;

namespace Auraed.Tests.EndToEnd;

/// <summary>The event log archived into the chunk store and pruned, by hand and by the shipped daemon itself.</summary>
public sealed class SegmentsBinaryTests : IDisposable
{
    private const int Batch = 1000;
    private const int Segment = 65_536;

    private readonly BinaryHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_daemon_archives_whole_segments_to_assets_and_prunes_them_and_what_it_gives_back_is_verified()
    {
        await using (var daemon = await _host.StartAsync())
        {
            await AppendAsync(Segment + (2 * Batch));
            await BinaryHost.StopAsync(daemon);
        }

        await using var own = await _host.StartAsync("--events-archive-assets", "--events-keep-count", $"{Batch}");
        await Eventually.HoldsAsync(() => Archives() is [{ InLog: false }], "the first segment is archived and pruned");
        var archive = Archives().Single();
        Assert.Equal((1, Segment), (archive.First, archive.Last));
        Verified(archive);

        // What is younger goes by hand, in blocks of 256; the setting says where to.
        var archived = JsonDocument.Parse(_host.Run("events", "archive", "--output", "json").Succeeded()).RootElement;
        Assert.Equal(1, archived.GetProperty("segments").GetInt32());
        _host.Run("events", "prune", "--keep-count", "0").Succeeded();
        Assert.Equal([false, false], Archives().Select(found => found.InLog));
        Verified(Archives()[1]);
        _host.Run("assets", "gc").Succeeded();
        Assert.NotEqual(0, _host.Run("assets", "rm", archive.Path["asset:".Length..]).Code);
        _host.Run("verify").Succeeded();
        _host.Run("replay", "--check", "--archive", _host.Fixture["segments"]).Succeeded();
        await BinaryHost.StopAsync(own);
    }

    private void Verified((long First, long Last, bool InLog, string Path) archive)
    {
        Directory.CreateDirectory(_host.Fixture["segments"]);
        var file = _host.Fixture[$"segments/events-{archive.First:D20}-{archive.Last:D20}.auraeseg"];
        _host.Run("assets", "get", archive.Path["asset:".Length..], file).Succeeded();
        _host.Run("events", "verify", file).Succeeded();
    }

    private List<(long First, long Last, bool InLog, string Path)> Archives() =>
    [
        .. _host.Run("events", "archives", "--output", "json").Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
            .Select(row => (row.GetProperty("first").GetInt64(), row.GetProperty("last").GetInt64(), row.GetProperty("in_log").GetBoolean(), row.GetProperty("path").GetString()!)),
    ];

    private async Task AppendAsync(int events)
    {
        using var channel = _host.Fixture.Open();
        var client = new EventService.EventServiceClient(channel);
        for (var done = 0; done < events; done += Batch)
        {
            var request = new AppendEventsRequest();
            for (var number = done; number < done + Batch; number++)
            {
                request.Events.Add(new NewEvent { Kind = "app.orders.placed", Subject = $"order-{number}", Json = "{\"total\": 12.5}" });
            }

            await client.AppendAsync(request);
        }
    }
}
