using System.Text.Json;
using Auraed.Base;
using Auraed.Cli;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Assets;

/// <summary>`auraed assets` with what it cannot do: the exit code says the cause, the message names the thing, the hint is what comes next.</summary>
public sealed class AssetArguments : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private AssetHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await AssetHost.StartAsync(("listen.plaintext_socket", _directory["plain.sock"]));
        await File.WriteAllTextAsync(_directory["client"], $"[system]\nsocket = \"{_directory["plain.sock"]}\"\n");
        await File.WriteAllBytesAsync(_directory["a.img"], AssetHost.Random(1, 300_000));
        (await RunAsync("put", _directory["a.img"], "--tag", "a b")).Succeeded();
        Directory.CreateDirectory(_directory["d"]);
        Tool.Run("mkfifo", _directory["pipe"]).Succeeded();
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Files_that_cannot_be_read_or_written_are_named_before_a_byte_moves()
    {
        var (a, d, none) = (_directory["a.img"], _directory["d"], _directory["none"]);
        await RefusedAsync(FaultKind.NotFound, $"there is no file {none}", $"ls -l {_directory.Path}", "put", none);
        await RefusedAsync(FaultKind.Invalid, $"{d} is a directory", $"tar c {d} | auraed assets put -", "put", d);
        await RefusedAsync(FaultKind.Invalid, $"{d} is a directory", $"{d}/NAME", "get", "a b", d);
        await RefusedAsync(FaultKind.NotFound, $"there is no directory {none}", $"mkdir -p {none}", "get", "a b", $"{none}/x");
        await RefusedAsync(FaultKind.Invalid, $"{a} is a file", "a directory", "get", "a b", $"{a}/x");
        await RefusedAsync(FaultKind.Invalid, "is a pipe", "auraed assets get ASSET -", "get", "a b", _directory["pipe"]);
        await RefusedAsync(FaultKind.Invalid, "is a pipe", "auraed assets get ASSET -", "get", "a b", _directory["pipe"], "--in-place");
        await RefusedAsync(FaultKind.Invalid, "is a pipe or a character device", "auraed assets get ASSET -", "get", "a b", "/dev/null");
        await RefusedAsync(FaultKind.Invalid, "--seed and --in-place go with a file", "name a file", "get", "a b", "-", "--seed", a);
        await RefusedAsync(FaultKind.Invalid, $"seed {none} cannot be read", $"ls -l {none}", "get", "a b", _directory["b.img"], "--seed", none);
        await RefusedAsync(FaultKind.NotFound, $"there is no directory {none}", $"mkdir -p {none}", "export", "a b", "--store", d, "--index", $"{none}/i.caibx");
        await RefusedAsync(FaultKind.Invalid, $"{d} is a directory", $"{d}/NAME", "export", "a b", "--store", d, "--index", d);
        await RefusedAsync(FaultKind.Invalid, "it is a file, and a store is a directory", $"ls -ld {a}", "export", "a b", "--store", a, "--index", $"{d}/i.caibx");
        await RefusedAsync(FaultKind.NotFound, $"there is no index file {none}", "NAME.caibx", "import", none, "--store", d);
        await RefusedAsync(FaultKind.NotFound, "there is no file none.caibx", "ls -l none.caibx", "import", "none.caibx", "--store", d);
        await RefusedAsync(FaultKind.Invalid, $"{d} is a directory", $"ls {d}/*.caibx", "import", d, "--store", d);
        await RefusedAsync(FaultKind.Corrupt, $"index {a} does not begin as an index does", $"auraed assets put {a}", "import", a, "--store", d);
        var loop = _directory["loop"];
        File.CreateSymbolicLink(loop, _directory["back"]);
        File.CreateSymbolicLink(_directory["back"], loop);
        await RefusedAsync(FaultKind.NotFound, $"there is no file {loop}: its links lead back to one another", $"namei -l {loop}", "put", loop);
        await RefusedAsync(FaultKind.NotFound, $"there is no file {loop}: its links lead back to one another", $"namei -l {loop}", "import", loop, "--store", d);
        Assert.Empty(Directory.GetFileSystemEntries(d));
    }

    [Fact]
    public async Task What_is_cut_into_too_many_chunks_is_refused_with_sizes_that_do_before_a_byte_moves()
    {
        var many = _directory["many.img"];
        Tool.Run("truncate", "-s", "7000000", many).Succeeded();
        await RefusedAsync(FaultKind.Invalid, $"{many} is cut into at least 7000000 chunks, and an asset has at most 6500000", "--chunk-size 128K", "put", many, "--chunk-size", "1:1:1");
    }

    [Fact]
    public async Task A_file_whose_name_no_title_may_be_is_put_under_one_that_may()
    {
        var odd = _directory["a\nb\u0085.img"];
        File.Copy(_directory["a.img"], odd);
        await File.AppendAllTextAsync(odd, "other");
        (await RunAsync("put", odd, "--tag", "odd")).Succeeded();
        Assert.Equal("a?b?.img", JsonDocument.Parse((await RunAsync("stat", "odd", "--output", "json")).Succeeded()).RootElement.GetProperty("title").GetString());
        await RefusedAsync(FaultKind.Invalid, "--title holds a control character", "--title rootfs.img", "put", odd, "--title", "a\nb");
    }

    [Fact]
    public async Task Names_and_numbers_that_are_wrong_are_told_with_what_would_be_right()
    {
        await RefusedAsync(FaultKind.Invalid, "--tag is empty", "--tag stable", "put", _directory["a.img"], "--tag", "");
        await RefusedAsync(FaultKind.Invalid, "--label tier is not KEY=VALUE", "--label tier=web", "put", _directory["a.img"], "--label", "tier");
        await RefusedAsync(FaultKind.Invalid, "--limit -3 is less than 0", "0 lists all", "ls", "--limit", "-3");
        await RefusedAsync(FaultKind.Invalid, "--rate -5 is less than 0", "0 for no limit", "scrub", "--rate", "-5");
        await RefusedAsync(FaultKind.NotFound, "asset_tag 'none'", "auraed records ls asset_tag", "tag", "none", "--remove");
        await RefusedAsync(FaultKind.NotFound, "asset_pin 'none'", "auraed records ls asset_pin", "pin", "none", "--remove");
        await RefusedAsync(FaultKind.NotFound, "asset_lease 'none'", "auraed records ls asset_lease", "lease", "none", "--for", "1h");
        await RefusedAsync(FaultKind.NotFound, "asset_publication 'none'", "auraed records ls asset_publication", "unpublish", "none");
        await RefusedAsync(FaultKind.Precondition, "asset_tag 'a b' refers to it", "auraed assets rm a b --untag takes its tags away", "rm", "a b");
    }

    [Fact]
    public async Task A_pipe_by_any_name_is_read_once_and_a_link_to_nothing_is_followed()
    {
        var bytes = await File.ReadAllBytesAsync(_directory["a.img"]);
        await using var writer = ChildProcess.Start(_directory.Path, "/bin/sh", "-c", "cat a.img >pipe");
        var put = JsonDocument.Parse((await RunAsync("put", _directory["pipe"], "--output", "json")).Succeeded()).RootElement;
        Assert.Equal((AssetHost.Caid(bytes), true), (put.GetProperty("id").GetString(), put.GetProperty("existed").GetBoolean()));
        File.CreateSymbolicLink(_directory["link"], _directory["d/target"]);
        (await RunAsync("get", "a b", _directory["link"])).Succeeded();
        Assert.Equal(_directory["d/target"], new FileInfo(_directory["link"]).LinkTarget);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_directory["d/target"]));
    }

    [Fact]
    public async Task Programs_get_names_as_lists_and_numbers_as_numbers()
    {
        foreach (var verb in new[] { "ls", "stat" })
        {
            string[] asset = verb == "stat" ? ["a b"] : [];
            var tags = JsonDocument.Parse((await RunAsync([verb, .. asset, "--output", "json"])).Succeeded()).RootElement.GetProperty("tags");
            Assert.Equal(["a b"], tags.EnumerateArray().Select(tag => tag.GetString()));
        }

        var stats = JsonDocument.Parse((await RunAsync("stats", "--output", "json")).Succeeded().Split('\n')[0]).RootElement;
        Assert.Equal((1.0, JsonValueKind.Null), (stats.GetProperty("deduplication").GetDouble(), stats.GetProperty("quota").ValueKind));
    }

    private async Task RefusedAsync(FaultKind kind, string what, string hint, params string[] arguments)
    {
        var run = await RunAsync(arguments);
        string[] lines = run.Error.Split('\n');
        Assert.True(run.Code == ExitCode.Of(kind), $"{string.Join(' ', arguments)}: exit {run.Code}\n{run.Error}");
        Assert.Contains(what, lines[0], StringComparison.Ordinal);
        Assert.True(lines[1].StartsWith("hint: ", StringComparison.Ordinal) && lines[1].Contains(hint, StringComparison.Ordinal), run.Error);
    }

    private Task<Support.Cli> RunAsync(params string[] arguments) => Support.Cli.RunAsync(["assets", .. arguments, "--client-config", _directory["client"]]);
}
