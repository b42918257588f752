using System.Collections.Concurrent;
using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Extraction;
using Auraed.Chunks.Stores;
using Auraed.Tests.Support;
using Auraed.Tests.Unit.Chunks;

namespace Auraed.Tests.Contract;

/// <summary>An extracted file is the asset to the last byte or it is not there, and what is on the disk already is not fetched.</summary>
public sealed class Extractions : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestAsset _a = new(CasyncInputs.Make("ver-a-4m"));
    private readonly TestAsset _b = new(CasyncInputs.Make("ver-b-4m"));
    private int _fetches;

    private string Target => _directory["out/file"];

    public Extractions() => Directory.CreateDirectory(_directory["out"]);

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("empty-0")]
    [InlineData("rand-1")]
    [InlineData("rand-1m")]
    [InlineData("repeat-4m")]
    [InlineData("zero-5m")]
    [InlineData("mixed-6m")]
    public async Task A_new_file_is_the_asset_and_every_chunk_is_fetched_once(string input)
    {
        var asset = new TestAsset(CasyncInputs.Make(input));
        var summary = await ExtractAsync(asset);
        Assert.Equal(asset.Content, File.ReadAllBytes(Target));
        Assert.Equal(asset.Content.Length, summary.Total);
        Assert.InRange(_fetches, asset.DistinctCount - (input is "zero-5m" or "mixed-6m" ? 2 : 0), asset.DistinctCount);
        Assert.Equal([Target], Directory.GetFiles(_directory["out"]));
        Assert.True(File.GetUnixFileMode(Target).HasFlag(UnixFileMode.UserWrite));
    }

    [Fact]
    public async Task Zeros_take_no_blocks()
    {
        var asset = new TestAsset(CasyncInputs.Make("mixed-6m"));
        var summary = await ExtractAsync(asset);
        Assert.True(summary.Holes >= 2 * 1024 * 1024, summary.ToString());
        var blocks = long.Parse(Tool.Run("stat", "-c", "%b", Target).Succeeded(), null) * 512;
        Assert.InRange(blocks, 1, asset.Content.Length - summary.Holes + (64 * 1024));
    }

    [Fact]
    public async Task With_a_seed_only_what_it_lacks_is_fetched()
    {
        await File.WriteAllBytesAsync(_directory["seed"], _a.Content);
        var lacking = _b.Index.Ids.ToArray().Except(_a.Index.Ids.ToArray()).Count();
        var summary = await ExtractAsync(_b, new ExtractionOptions { Seeds = [_directory["seed"]] });
        Assert.Equal(_b.Content, File.ReadAllBytes(Target));
        Assert.InRange(lacking, 1, 10);
        Assert.Equal((lacking, (long)lacking), (_fetches, summary.ChunksFetched));
        Assert.True(summary.Seeded > 3 * 1024 * 1024);
    }

    [Fact]
    public async Task The_file_that_is_replaced_is_a_seed_and_its_mode_stays()
    {
        await ExtractAsync(_a);
        File.SetUnixFileMode(Target, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(_directory["link"], Target);
        _fetches = 0;
        await ExtractAsync(_b, target: _directory["link"]);
        Assert.Equal(_b.Content, File.ReadAllBytes(Target));
        Assert.Equal(Target, File.ResolveLinkTarget(_directory["link"], true)!.FullName);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserExecute, File.GetUnixFileMode(Target));
        Assert.InRange(_fetches, 1, 10);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_replaces_a_file_is_hidden_until_it_has_that_ones_owner_and_mode(bool isPartialThere)
    {
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        await File.WriteAllTextAsync(Target, "old");
        File.SetUnixFileMode(Target, mode);
        var owner = Tool.Run("stat", "-c", "%u:%g", Target).Succeeded();
        if (Environment.IsPrivilegedProcess)
        {
            owner = "4321:8765\n";
            Tool.Run("chown", owner.Trim(), Target).Succeeded();
        }

        var partial = new AssetExtraction(_a.Index, "test", (_, _, _) => throw new InvalidOperationException(), new ExtractionOptions()).PartialPathOf(Target);
        if (isPartialThere)
        {
            await File.WriteAllBytesAsync(partial, _a.Content.AsMemory(0, 100_000));
            File.SetUnixFileMode(partial, mode | UnixFileMode.OtherRead);
        }

        var modes = new ConcurrentBag<UnixFileMode>();
        await ExtractAsync(_a, fetch: (id, target, _) =>
        {
            modes.Add(File.GetUnixFileMode(partial));
            return Serve(_a, id, target);
        });
        Assert.Equal([UnixFileMode.UserRead | UnixFileMode.UserWrite], modes.Distinct());
        Assert.Equal(mode, File.GetUnixFileMode(Target));
        Assert.Equal(owner, Tool.Run("stat", "-c", "%u:%g", Target).Succeeded());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_link_where_the_file_is_to_grow_is_not_followed(bool isThere)
    {
        if (isThere)
        {
            await File.WriteAllTextAsync(Target, "old");
        }

        var victim = _directory["victim"];
        await File.WriteAllTextAsync(victim, "not ours");
        File.CreateSymbolicLink(new AssetExtraction(_a.Index, "test", (_, _, _) => throw new InvalidOperationException(), new ExtractionOptions()).PartialPathOf(Target), victim);

        var fault = await Assert.ThrowsAsync<Fault>(() => ExtractAsync(_a));

        Assert.Contains("symbolic link", fault.Message, StringComparison.Ordinal);
        Assert.Equal("not ours", await File.ReadAllTextAsync(victim));
        Assert.Equal(isThere ? "old" : null, File.Exists(Target) ? await File.ReadAllTextAsync(Target) : null);
    }

    [Theory]
    [InlineData("n", 229)]
    [InlineData("n", 230)]
    [InlineData("n", 255)]
    [InlineData("\u00e4", 127)]
    [InlineData("\U0001f4e6", 63)]
    public async Task A_name_as_long_as_names_may_be_is_written_to_and_gone_on_with(string character, int count)
    {
        var target = _directory[$"out/{string.Concat(Enumerable.Repeat(character, count))}"];
        var left = 30;
        await Assert.ThrowsAsync<Fault>(() => ExtractAsync(_a, target: target, fetch: (id, buffer, _) =>
            Interlocked.Decrement(ref left) < 0 ? throw new Fault(FaultKind.Unavailable, "store x is gone") : Serve(_a, id, buffer)));
        var other = new AssetExtraction(_a.Index, "test", (_, _, _) => throw new InvalidOperationException(), new ExtractionOptions());
        Assert.Equal([other.PartialPathOf(target)], Directory.GetFiles(_directory["out"]));
        Assert.NotEqual(other.PartialPathOf(target), other.PartialPathOf(target[..^character.Length]));
        await ExtractAsync(_a, target: target);
        Assert.Equal(_a.DistinctCount, _fetches);
        Assert.Equal(_a.Content, await File.ReadAllBytesAsync(target));
        Assert.Equal([target], Directory.GetFiles(_directory["out"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_written_is_free_while_a_forked_child_shares_it(bool isInPlace)
    {
        using var child = new ForkedShare();
        if (isInPlace)
        {
            await File.WriteAllTextAsync(Target, "old");
        }

        var options = new ExtractionOptions { IsInPlace = isInPlace };
        var written = isInPlace ? Target : new AssetExtraction(_a.Index, "test", (_, _, _) => throw new InvalidOperationException(), options).PartialPathOf(Target);
        await ExtractAsync(_a, options, fetch: (id, buffer, _) =>
        {
            lock (child)
            {
                if (child.Count == 0)
                {
                    child.Add(written);
                }
            }

            return Serve(_a, id, buffer);
        });
        Assert.Equal(1, child.Count);
        Assert.Equal(_a.Content, await File.ReadAllBytesAsync(Target));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100_000)]
    [InlineData(-100_000)]
    public async Task In_place_what_is_right_stays_and_the_rest_is_changed(int longer)
    {
        var old = _b.Content.ToArray();
        RandomNumberGenerator.Fill(old.AsSpan(1_000_000, 50_000));
        Array.Resize(ref old, old.Length + longer);
        await File.WriteAllBytesAsync(Target, old);
        var node = Tool.Run("stat", "-c", "%i", Target).Succeeded();
        var summary = await ExtractAsync(_b, new ExtractionOptions { IsInPlace = true });
        Assert.Equal(_b.Content, File.ReadAllBytes(Target));
        Assert.Equal(node, Tool.Run("stat", "-c", "%i", Target).Succeeded());
        Assert.True(summary.Kept > 3 * 1024 * 1024, summary.ToString());
        Assert.InRange(_fetches, 1, 12);
    }

    [Fact]
    public async Task In_place_zeros_are_written_where_something_else_was()
    {
        var asset = new TestAsset(CasyncInputs.Make("zero-5m"));
        await File.WriteAllBytesAsync(Target, CasyncInputs.Stream("noise", 6 * 1024 * 1024));
        await ExtractAsync(asset, new ExtractionOptions { IsInPlace = true });
        Assert.Equal(asset.Content, File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task A_run_that_failed_leaves_the_old_file_and_the_next_one_goes_on_where_it_was()
    {
        await File.WriteAllTextAsync(Target, "old");
        var left = 30;
        var fault = await Assert.ThrowsAsync<Fault>(() => ExtractAsync(_a, fetch: (id, target, _) =>
            Interlocked.Decrement(ref left) < 0 ? throw new Fault(FaultKind.Unavailable, "store x is gone") : Serve(_a, id, target)));
        Assert.Contains("store x is gone", fault.Message, StringComparison.Ordinal);
        Assert.Contains("asset test lacks", fault.Message, StringComparison.Ordinal);
        Assert.Equal("old", await File.ReadAllTextAsync(Target));
        Assert.Equal(30, _fetches);
        var summary = await ExtractAsync(_a);
        Assert.Equal(_a.DistinctCount, _fetches);
        Assert.Equal(_a.Content, File.ReadAllBytes(Target));
        Assert.True(summary.Kept > 0);
        Assert.Equal([Target], Directory.GetFiles(_directory["out"]));
    }

    [Fact]
    public async Task A_seed_that_changes_after_it_was_read_costs_fetches_and_nothing_else()
    {
        var seed = _directory["seed"];
        await File.WriteAllBytesAsync(seed, _a.Content);
        var options = new ExtractionOptions { Seeds = [seed], WorkersMax = 1 };
        await ExtractAsync(_b, options, fetch: async (id, target, cancel) =>
        {
            await using (var file = File.OpenWrite(seed))
            {
                await file.WriteAsync(CasyncInputs.Stream("noise", _a.Content.Length), cancel);
            }

            return await Serve(_b, id, target);
        });
        Assert.Equal(_b.Content, File.ReadAllBytes(Target));
        Assert.True(_fetches > 10);
    }

    [Fact]
    public async Task An_index_that_lies_about_lengths_makes_no_file()
    {
        var builder = new AssetIndex.Builder(ChunkSizes.Default);
        builder.Add(_a.Index[0].Length - 1, _a.Index[0].Id);
        var fault = await Assert.ThrowsAnyAsync<Fault>(() => ExtractIndexAsync(builder.Build()));
        Assert.Equal(FaultKind.Corrupt, fault.Kind);

        builder.Add(_a.Index[0].Length, _a.Index[0].Id);
        fault = await Assert.ThrowsAsync<Fault>(() => ExtractIndexAsync(builder.Build()));
        Assert.Contains("two lengths", fault.Message, StringComparison.Ordinal);

        var longer = new AssetIndex.Builder(ChunkSizes.Default);
        longer.Add(_a.Index[0].Length + 1, _a.Index[0].Id);
        fault = await Assert.ThrowsAsync<Fault>(() => ExtractIndexAsync(longer.Build()));
        Assert.Contains($"gives chunk {_a.Index[0].Id} {_a.Index[0].Length + 1} bytes, and it has {_a.Index[0].Length}", fault.Message, StringComparison.Ordinal);

        var zeros = new TestAsset(new byte[ChunkSizes.Default.Max]);
        var shorter = new AssetIndex.Builder(ChunkSizes.Default);
        shorter.Add(ChunkSizes.Default.Max - 1, zeros.Index[0].Id);
        shorter.Add(_a.Index[0].Length, _a.Index[0].Id);
        fault = await Assert.ThrowsAsync<Fault>(() => ExtractIndexAsync(shorter.Build()));
        Assert.Contains($"{zeros.Index[0].Id}", fault.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Target));

        async Task ExtractIndexAsync(AssetIndex index)
        {
            var store = new DirectoryStore(_directory["store"]);
            await _a.PushAsync(store);
            await new TestAsset(new byte[ChunkSizes.Default.Max]).PushAsync(store);
            await using var router = new StoreRouter([new RoutedStore(store, StoreErrorPolicy.Stop)], null, TimeProvider.System);
            await new AssetExtraction(index, "test", (id, target, cancel) => router.FetchAsync(id, index.Digest, target, cancel), new ExtractionOptions()).RunAsync(Target, null, default);
        }
    }

    [Fact]
    public async Task Two_runs_for_one_file_are_refused_and_so_are_places_where_no_file_can_be()
    {
        var gate = new TaskCompletionSource();
        var first = ExtractAsync(_a, fetch: async (id, target, _) =>
        {
            await gate.Task;
            return await Serve(_a, id, target);
        });
        await Eventually.HoldsAsync(() => Directory.GetFiles(_directory["out"]).Length == 1, "the first run's file");
        await Eventually.HoldsAsync(async () => (await Record.ExceptionAsync(() => ExtractAsync(_a))) is Fault { Kind: FaultKind.Precondition }, "the second run is refused");
        gate.SetResult();
        await first;
        Assert.Equal(_a.Content, File.ReadAllBytes(Target));
        Assert.Equal(FaultKind.Invalid, (await Assert.ThrowsAsync<Fault>(() => ExtractAsync(_a, target: _directory["out"]))).Kind);
        Assert.Equal(FaultKind.NotFound, (await Assert.ThrowsAsync<Fault>(() => ExtractAsync(_a, target: _directory["nowhere/file"]))).Kind);
        Assert.Equal("seed", (await Assert.ThrowsAsync<Fault>(() => ExtractAsync(_a, new ExtractionOptions { Seeds = [_directory["nowhere"]] }))).Field);
    }

    private async Task<ExtractionSummary> ExtractAsync(TestAsset asset, ExtractionOptions? options = null, FetchChunk? fetch = null, string? target = null)
    {
        long told = 0;
        var extraction = new AssetExtraction(asset.Index, "test", fetch ?? ((id, buffer, _) => Serve(asset, id, buffer)), options ?? new ExtractionOptions());
        var summary = await extraction.RunAsync(target ?? Target, bytes => Interlocked.Add(ref told, bytes), default);
        Assert.Equal(summary.Total, told);
        Assert.Equal(asset.Content.Length, summary.Total);
        return summary;
    }

    private Task<int> Serve(TestAsset asset, ChunkId id, Memory<byte> target)
    {
        Interlocked.Increment(ref _fetches);
        var chunk = asset.Index.Ids.IndexOf(id);
        asset.ContentOf(chunk).CopyTo(target);
        return Task.FromResult(asset.Index[chunk].Length);
    }
}
