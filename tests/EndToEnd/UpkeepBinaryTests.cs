using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.EndToEnd;

/// <summary>Copies, checks, restores, keys and migrations through the shipped binary, as an operator types them.</summary>
public sealed class UpkeepBinaryTests : IDisposable
{
    // What the command line exits with, by cause.
    private const int Found = 3;
    private const int NotFound = 5;
    private const int AlreadyExists = 6;
    private const int Precondition = 7;

    private readonly BinaryHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Copies_are_made_while_the_daemon_runs_and_none_is_overwritten()
    {
        await using var daemon = await _host.StartAsync();
        _host.Apply("vm-1", "vm-2");
        var copy = _host.Fixture["out/copy.db"];
        var nowhere = _host.Run("backup", copy);
        Assert.Equal(NotFound, nowhere.Code);
        Assert.Contains($"there is no directory {_host.Fixture["out"]}", nowhere.Error, StringComparison.Ordinal);
        Assert.Contains($"mkdir -p {_host.Fixture["out"]}", nowhere.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_host.Fixture["out"]));
        Directory.CreateDirectory(_host.Fixture["out"]);
        Assert.Contains(copy, _host.Run("backup", copy).Succeeded(), StringComparison.Ordinal);
        var bytes = File.ReadAllBytes(copy);
        var again = _host.Run("backup", copy);
        Assert.Equal(AlreadyExists, again.Code);
        Assert.Contains($"{copy} is there already", again.Error, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(copy));

        // A relative name is the caller's, not the daemon's.
        using var elsewhere = new TemporaryDirectory();
        await ChildProcess.RunAsync(elsewhere.Path, PublishedBinary.Path, "backup", "near.db", "--root", _host.Root);
        Assert.Equal(0, _host.Run("verify", elsewhere["near.db"]).Code);

        _host.Run("snapshot").Succeeded();
        var snapshot = Assert.Single(Directory.GetFiles(Path.Combine(_host.Library, "snapshots")));
        Assert.Equal(0, _host.Run("verify", snapshot).Code);
        Assert.Equal(0, _host.Run("verify").Code);
    }

    [Fact]
    public async Task A_byte_flipped_in_a_copy_is_found()
    {
        var copy = _host.Fixture["copy.db"];
        await using (await _host.StartAsync())
        {
            _host.Apply("vm-1");
            _host.Run("backup", copy).Succeeded();
        }

        _host.Run("verify", copy).Succeeded();
        const int page = 4096;
        var bytes = File.ReadAllBytes(copy);
        bytes[(bytes.Length / page / 2 * page) + 77] ^= 1;
        File.WriteAllBytes(copy, bytes);
        var found = _host.Run("verify", copy);
        Assert.Equal(Found, found.Code);
        Assert.Contains($"page {(bytes.Length / page / 2) + 1}", found.Output, StringComparison.Ordinal);
        Assert.NotEqual(0, _host.Run("restore", copy).Code);
    }

    [Fact]
    public async Task The_published_copy_is_taken_by_a_plain_cp_and_runs_under_another_root_with_the_same_key()
    {
        await using (await _host.StartAsync())
        {
            _host.Apply("vm-1");
            _host.Run("publish").Succeeded();
            _host.Apply("vm-2");
            Tool.Run("/bin/cp", Path.Combine(_host.Library, "backup/aurae.db"), _host.Fixture["taken.db"]).Succeeded();
        }

        using var other = new BinaryHost();
        Assert.Equal(Precondition, other.Run("restore", _host.Fixture["taken.db"]).Code);
        Directory.Delete(other.Fixture["pki"], recursive: true);
        Tool.Run("/bin/cp", "-a", _host.Fixture["pki"], other.Fixture["pki"]).Succeeded();
        other.Run("restore", _host.Fixture["taken.db"]).Succeeded();
        await using var daemon = await other.StartAsync();
        Assert.True(other.Has("vm-1"));
        Assert.False(other.Has("vm-2"));
    }

    [Fact]
    public async Task A_restore_waits_for_no_daemon_names_it_and_keeps_what_was_there()
    {
        var copy = _host.Fixture["copy.db"];
        await using (var daemon = await _host.StartAsync())
        {
            _host.Apply("old");
            _host.Run("backup", copy).Succeeded();
            _host.Apply("new");
            var refused = _host.Run("restore", copy);
            Assert.Equal(Precondition, refused.Code);
            Assert.Contains($"(pid {daemon.Id})", refused.Error, StringComparison.Ordinal);
            Assert.True(_host.Has("new"));
            await BinaryHost.StopAsync(daemon);
        }

        _host.Run("restore", copy).Succeeded();
        var aside = Assert.Single(Directory.GetDirectories(_host.Library, "before-restore-*"));
        Assert.Equal(0, _host.Run("verify", Path.Combine(aside, "aurae.db")).Code);
        await using (var daemon = await _host.StartAsync())
        {
            Assert.True(_host.Has("old"));
            Assert.False(_host.Has("new"));
            await BinaryHost.StopAsync(daemon);
        }

        _host.Run("restore", Path.Combine(aside, "aurae.db")).Succeeded();
        await using var back = await _host.StartAsync();
        Assert.True(_host.Has("new"));
    }

    [Fact]
    public async Task After_a_rekey_the_old_key_is_refused_in_words_and_the_new_one_serves()
    {
        await using (var daemon = await _host.StartAsync())
        {
            _host.Apply("vm-1");
            await BinaryHost.StopAsync(daemon);
        }

        using var next = new BinaryHost();
        _host.Run("rekey", "--new-key", next.ServerKey).Succeeded();
        var refused = _host.Run("run");
        Assert.Equal(Precondition, refused.Code);
        Assert.Contains("it was re-keyed to the key", refused.Error, StringComparison.Ordinal);
        Assert.Contains(next.ServerKey, refused.Error, StringComparison.Ordinal);
        Assert.Equal(Precondition, _host.Run("verify", _host.DatabasePath).Code);
        Assert.Equal(0, _host.Run("verify", _host.DatabasePath, "--key", next.ServerKey).Code);

        Directory.Delete(_host.Fixture["pki"], recursive: true);
        Tool.Run("/bin/cp", "-a", next.Fixture["pki"], _host.Fixture["pki"]).Succeeded();
        await using var again = await _host.StartAsync();
        Assert.True(_host.Has("vm-1"));
    }

    [Fact]
    public async Task A_file_taken_down_to_the_first_step_is_taken_up_again_by_the_start()
    {
        await using (var daemon = await _host.StartAsync())
        {
            _host.Apply("vm-1");
            await BinaryHost.StopAsync(daemon);
        }

        var newest = Migration.Embedded[^1];
        Assert.Contains(newest.Version.ToString(), _host.Run("migrate", "--plan").Succeeded(), StringComparison.Ordinal);
        Assert.Contains("down", _host.Run("migrate", "--plan", "--to", "1").Succeeded(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_host.Library, "snapshots")));
        Assert.Contains("down", _host.Run("migrate", "--to", "1").Succeeded(), StringComparison.Ordinal);
        var snapshot = Assert.Single(Directory.GetFiles(Path.Combine(_host.Library, "snapshots")));
        Assert.Contains(newest.Name, _host.Run("migrate", "--plan").Succeeded(), StringComparison.Ordinal);
        await using (var daemon = await _host.StartAsync())
        {
            Assert.False(_host.Has("vm-1"));
            _host.Apply("vm-2");
            await BinaryHost.StopAsync(daemon);
        }

        _host.Run("restore", snapshot).Succeeded();
        await using var back = await _host.StartAsync();
        Assert.True(_host.Has("vm-1"));
    }

    [Fact]
    public async Task A_backup_under_thirty_two_writers_is_sound_and_holds_a_prefix_of_the_log()
    {
        var copy = _host.Fixture["copy.db"];
        await using (var daemon = await _host.StartAsync())
        {
            using var channel = _host.Fixture.Open();
            var records = new RecordService.RecordServiceClient(channel);
            using var stop = new CancellationTokenSource();
            var made = 0;
            var writers = Enumerable.Range(0, 32).Select(writer => WriteAsync(records, writer, () => Interlocked.Increment(ref made), stop.Token)).ToArray();
            await Eventually.HoldsAsync(() => Volatile.Read(ref made) > 500, "the writers write");
            _host.Run("backup", copy).Succeeded();
            var during = Volatile.Read(ref made);
            await Eventually.HoldsAsync(() => Volatile.Read(ref made) > during, "the writers go on");
            await stop.CancelAsync();
            await Task.WhenAll(writers);
            await BinaryHost.StopAsync(daemon);
        }

        Assert.Equal(0, _host.Run("verify", copy).Code);
        using var elsewhere = new TemporaryDirectory();
        var options = _host.Options with { Directory = elsewhere["lib"] };
        Maintenance.Restore(options, copy, null, CancellationToken.None);
        await using var part = Database.Open(options);
        await using var whole = Database.Open(_host.Options);
        Assert.InRange(part.Durable, 500, whole.Durable - 1);

        // Each hash is over the one before it: the last of the copy tells of all of them.
        var hash = $"SELECT hex(hash) FROM event WHERE sequence = {part.Durable}";
        Assert.Equal(await TableRows.TextAsync(whole, hash), await TableRows.TextAsync(part, hash));
        Assert.Equal(
            await TableRows.TextAsync(part, "SELECT count(*) FROM event WHERE kind = 'virtual_machine.created'"),
            await TableRows.TextAsync(part, "SELECT count(*) FROM virtual_machine"));
    }

    private static async Task WriteAsync(RecordService.RecordServiceClient records, int writer, Action made, CancellationToken stop)
    {
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var machine = new VirtualMachine { Id = $"vm-{writer}-{number}", MemSizeMb = 512 };
            await records.CreateAsync(new CreateRecordRequest { Record = RecordServer.Draft(machine) }, cancellationToken: CancellationToken.None);
            made();
        }
    }
}
