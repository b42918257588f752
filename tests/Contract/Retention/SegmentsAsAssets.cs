using Aurae.Assets.V0;
using Aurae.Events.V0;
using Aurae.Records.V0;
using Auraed.Store;
using Auraed.Store.Segments;
using Auraed.Tests.Support;
using Grpc.Core;
using Grpc.Net.Client;
using static Auraed.Tests.Support.RecordServer;

namespace Auraed.Tests.Contract.Retention;

/// <summary>Segments that are archived as assets: what they keep, what is pruned for them, and what they are worth outside.</summary>
public sealed class SegmentsAsAssets : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private AssetHost _host = null!;
    private GrpcChannel _channel = null!;
    private RetentionService.RetentionServiceClient _retention = null!;

    public async Task InitializeAsync()
    {
        File.WriteAllText(_directory["backends"], $"[cold]\nlocation = \"{_directory["cold.castr"]}\"\n");
        _host = await AssetHost.StartAsync(("assets.backends_file", _directory["backends"]), ("events.archive_assets", "true"));
        _channel = _host.Fixture.Open();
        _retention = new RetentionService.RetentionServiceClient(_channel);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_pruned_segment_is_an_asset_that_nothing_takes_away_and_that_proves_itself_outside()
    {
        var (id, last) = await ArchivedAsync(600);
        var stat = await _host.Assets.StatAsync(new StatAssetRequest { Asset = id });
        Assert.Equal(("application/vnd.aurae.event-segment", SegmentFiles.NameOf(1, last), "auraed:retention"), (stat.Asset.MediaType, stat.Asset.Title, stat.Asset.Creator));
        Assert.Equal(("1", $"{last}"), (stat.Labels["first_sequence"], stat.Labels["last_sequence"]));
        Assert.Equal((last + 1, last), await PruneAsync());
        Assert.Equal([$"{last + 1}"], await _host.TextsAsync("SELECT min(sequence) FROM event"));

        var refused = await FailsAsync(StatusCode.FailedPrecondition, null, async () => await _host.Assets.DeleteAsync(new DeleteAssetRequest { Asset = id }));
        Assert.Contains("event_segment", refused.Status.Detail, StringComparison.Ordinal);
        await FailsAsync(StatusCode.FailedPrecondition, null, async () => await _host.Records.DeleteAsync(new DeleteRecordRequest { Type = "event_segment", Name = SegmentFiles.NameOf(1, last) }));
        Assert.Equal(0, (await _host.CollectAsync()).RemovedChunkCount);
        Assert.Equal(0, (await _host.CollectAsync()).RemovedChunkCount);

        var bytes = await _host.GetAsync(id);
        Assert.Equal(stat.Asset.Sha256, AssetHost.Digest(bytes));
        var file = _directory["out/" + SegmentFiles.NameOf(1, last)];
        Directory.CreateDirectory(_directory["out"]);
        await File.WriteAllBytesAsync(file, bytes);
        var report = SegmentCheck.OfFile(file, _host.Database.Signer, null, CancellationToken.None);
        Assert.True(report.IsSound, string.Join('\n', report.Findings));
        Assert.Equal(last, report.Events);
        var replayed = await _host.Database.ReplayCheckAsync(_directory["out"], null, CancellationToken.None);
        Assert.True(replayed.Sequence > last);
        Assert.True((await _host.Database.VerifyAsync(null, CancellationToken.None)).IsSound);
    }

    [Fact]
    public async Task Nothing_is_pruned_whose_asset_has_lost_a_chunk()
    {
        var (_, last) = await ArchivedAsync(600);
        await _host.Database.WriteAsync(unit => unit.Prepare("DELETE FROM chunk_body").Execute(), CancellationToken.None);
        var refused = await FailsAsync(StatusCode.FailedPrecondition, null, PruneAsync);
        Assert.Contains($"the archive of events 1 to {last}", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(["1"], await _host.TextsAsync("SELECT min(sequence) FROM event"));
    }

    [Fact]
    public async Task A_segment_in_a_backend_is_as_good_as_its_copy_there()
    {
        var (id, last) = await ArchivedAsync(600);
        using (var call = _host.Assets.Archive(new ArchiveAssetRequest { Asset = id, Backend = "cold" }))
        {
            await foreach (var step in call.ResponseStream.ReadAllAsync())
            {
                Assert.True(step.Result is null || step.Result.FreedChunkCount > 0);
            }
        }

        var away = _directory["away"];
        Directory.Move(_directory["cold.castr"], away);
        await FailsAsync(StatusCode.FailedPrecondition, null, PruneAsync);
        Directory.Move(away, _directory["cold.castr"]);
        Assert.Equal((last + 1, last), await PruneAsync());
    }

    [Fact]
    public async Task What_comes_later_is_another_segment_behind_the_first()
    {
        var (first, last) = await ArchivedAsync(300);
        Assert.Equal(256, last);
        await FillAsync(300);
        var again = await ArchiveAsync(new ArchiveEventsRequest { ToAssets = true });
        Assert.Equal((1, last + again.Events), (again.Segments, again.LastSequence));
        var archives = (await _retention.ListArchivesAsync(new ListArchivesRequest())).Archives;
        Assert.Equal([(1, last), (last + 1, again.LastSequence)], archives.Select(archive => (archive.FirstSequence, archive.LastSequence)));
        Assert.NotEqual("asset:" + first, archives[1].Path);
        Assert.Equal(again.LastSequence + 1, (await PruneAsync()).Floor);
        await FailsAsync(StatusCode.InvalidArgument, "directory", () => ArchiveAsync(new ArchiveEventsRequest { ToAssets = true, Directory = "/x" }));
    }

    /// <summary>The asset's id, and the last event in it.</summary>
    private async Task<(string Id, long Last)> ArchivedAsync(int events)
    {
        await FillAsync(events);
        // Where to is the daemon's own setting.
        var result = await ArchiveAsync(new ArchiveEventsRequest());
        Assert.Equal((1, "", result.LastSequence), (result.Segments, result.Directory, result.Events));
        var archive = Assert.Single((await _retention.ListArchivesAsync(new ListArchivesRequest())).Archives);
        Assert.StartsWith("asset:", archive.Path, StringComparison.Ordinal);
        return (archive.Path["asset:".Length..], archive.LastSequence);
    }

    private Task FillAsync(int events) => _host.Database.WriteAsync(
        unit =>
        {
            for (var number = 0; number < events; number++)
            {
                unit.Events.Append("default", "tester", null, "test.created", $"{number}", new byte[number % 40]);
            }

            return 0;
        },
        CancellationToken.None);

    private async Task<ArchiveEventsResult> ArchiveAsync(ArchiveEventsRequest request)
    {
        using var call = _retention.Archive(request);
        ArchiveEventsResult? result = null;
        await foreach (var message in call.ResponseStream.ReadAllAsync())
        {
            result = message.Result ?? result;
        }

        return result!;
    }

    private async Task<(long Floor, long Events)> PruneAsync()
    {
        using var call = _retention.Prune(new PruneEventsRequest());
        PruneEventsResult? result = null;
        await foreach (var message in call.ResponseStream.ReadAllAsync())
        {
            result = message.Result ?? result;
        }

        return (result!.Floor, result.Events);
    }
}
