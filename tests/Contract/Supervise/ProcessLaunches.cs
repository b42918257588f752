using Auraed.Base;
using Auraed.Native;
using Auraed.Supervise;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Supervise;

/// <summary>Real processes through the real launcher: what they are given, what is refused, how their end is told.</summary>
public sealed class ProcessLaunches : IDisposable
{
    private readonly Processes _processes = new(TimeProvider.System);
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task A_process_gets_its_arguments_environment_and_directory_and_nothing_else()
    {
        var spec = Shell("echo \"$0|$1|$SECRET|$(pwd)\"; env | sort; ls /proc/self/fd; grep -E 'SigBlk|SigIgn|NoNewPrivs' /proc/self/status; ulimit -Sn; umask", "name", "a b") with
        {
            Environment = new Dictionary<string, string> { ["SECRET"] = "sesame", ["PATH"] = "/usr/bin:/bin" },
            WorkingDirectory = _directory.Path,
            IsWithoutNewPrivileges = true,
            FileMask = 0b000_111_111,
        };
        Assert.Equal(ExitStatus.Exited(0), await RunAsync(spec));
        string[] lines = File.ReadAllLines(Output);
        Assert.Equal($"name|a b|sesame|{_directory.Path}", lines[0]);
        Assert.Equal(["PATH=/usr/bin:/bin", $"PWD={_directory.Path}", "SECRET=sesame"], lines[1..4].Where(line => !line.StartsWith('_')));
        // The fourth is the directory that ls reads.
        Assert.Equal(["0", "1", "2", "3"], lines[4..8]);
        Assert.Contains("SigBlk:\t0000000000000000", lines);
        Assert.Contains("SigIgn:\t0000000000000000", lines);
        Assert.Contains("NoNewPrivs:\t1", lines);
        Assert.Equal(["1024", "0077"], lines[^2..]);
    }

    [Fact]
    public async Task Neither_arguments_nor_environment_of_the_launcher_show_what_it_is_to_become()
    {
        await using PreparedProcess prepared = await _processes.PrepareAsync(
            Shell("exit 0", "hush") with { Environment = new Dictionary<string, string> { ["SECRET"] = "hush" } }, default);
        Assert.DoesNotContain("hush", File.ReadAllText($"/proc/{prepared.Identity.Id}/cmdline"));
        Assert.DoesNotContain("hush", File.ReadAllText($"/proc/{prepared.Identity.Id}/environ"));
    }

    [Fact]
    public async Task What_is_prepared_and_not_told_to_go_never_runs()
    {
        await using (PreparedProcess prepared = await _processes.PrepareAsync(Shell("echo ran"), default))
        {
            Assert.NotNull(ProcessFiles.StartTicks(prepared.Identity.Id));
        }

        Assert.Equal(string.Empty, File.ReadAllText(Output));
    }

    [Fact]
    public async Task The_identity_told_before_the_program_runs_is_that_of_the_program()
    {
        PreparedProcess prepared = await _processes.PrepareAsync(Shell("echo $$; exec sleep 60"), default);
        ProcessIdentity identity = prepared.Identity;
        using SupervisedProcess process = await prepared.GoAsync(default);
        await prepared.DisposeAsync();
        await Eventually.HoldsAsync(() => File.ReadAllText(Output).Trim() == $"{identity.Id}", "the shell's number");
        Assert.Equal(identity, ProcessFiles.IdentityOf(identity.Id));
        Assert.True(process.Signal(SignalNames.Terminate));
        Assert.Equal(ExitStatus.Signalled(15), await process.Ended);
        Assert.False(Directory.Exists($"/proc/{identity.Id}"), "a zombie is left");
        Assert.False(process.Signal(SignalNames.Terminate));
    }

    [Theory]
    [InlineData("exit 7", ExitKind.Exited, 7)]
    [InlineData("kill -SEGV $$", ExitKind.Signalled, 11)]
    public async Task The_end_is_told_as_it_was(string command, ExitKind kind, int value)
    {
        ExitStatus status = await RunAsync(Shell(command));
        Assert.Equal((kind, value), (status.Kind, status.Value));
    }

    [Fact]
    public async Task An_adopted_process_is_found_by_its_identity_and_by_no_other()
    {
        await using PreparedProcess prepared = await _processes.PrepareAsync(Shell("exec sleep 60"), default);
        ProcessIdentity identity = prepared.Identity;
        using SupervisedProcess process = await prepared.GoAsync(default);
        Assert.Null(_processes.TryAdopt(identity with { StartTicks = identity.StartTicks + 1 }));
        Assert.Null(_processes.TryAdopt(identity with { BootId = "another" }));
        using var other = new Processes(TimeProvider.System);
        using SupervisedProcess? adopted = other.TryAdopt(identity);
        Assert.NotNull(adopted);
        Assert.True(adopted.Signal(SignalNames.Kill));
        // Both ask for the end of the one child, which is told once; the other learns it from a kernel that tells.
        ExitStatus[] told = [await process.Ended, await adopted.Ended];
        Assert.Contains(ExitStatus.Signalled(9), told);
        Assert.DoesNotContain(told, status => status.Kind == ExitKind.Exited);
        Assert.Null(other.TryAdopt(identity));
    }

    [Fact]
    public async Task A_child_that_ended_unseen_is_reaped_by_whoever_looks_for_it()
    {
        ProcessIdentity identity;
        using (var before = new Processes(TimeProvider.System))
        {
            await using PreparedProcess prepared = await before.PrepareAsync(Shell("exec sleep 60"), default);
            identity = prepared.Identity;
            using SupervisedProcess process = await prepared.GoAsync(default);
        }

        using (var descriptor = ProcessDescriptor.TryOpen(identity.Id)!)
        {
            Assert.True(ProcessDescriptor.Signal(descriptor, SignalNames.Kill));
        }

        await Eventually.HoldsAsync(() => ProcessFiles.Start(identity.Id) is { IsZombie: true }, "it ends");
        Assert.Null(_processes.TryAdopt(identity));
        Assert.Null(ProcessFiles.Start(identity.Id));
    }

    [Fact]
    public async Task A_step_that_is_refused_is_named_and_leaves_nothing()
    {
        Assert.Equal("cannot launch nothing-of-this-name: executing nothing-of-this-name: No such file or directory", await RefusalAsync(new LaunchSpec { Program = "nothing-of-this-name" }));
        Assert.Equal("cannot launch sh: entering the directory /no/where: No such file or directory", await RefusalAsync(Shell("exit") with { WorkingDirectory = "/no/where" }));
        Assert.Contains("entering the cgroup /no/where", await RefusalAsync(Shell("exit") with { Cgroup = "/no/where" }));
        Assert.Contains("opening the log /no/where/log", await RefusalAsync(Shell("exit") with { OutputPath = "/no/where/log" }));
        Assert.Contains("setting the resource limit 7", await RefusalAsync(Shell("exit") with { Bounds = [new ResourceBound(7, 10, 5)] }));
    }

    [Fact]
    public async Task A_user_and_group_are_taken_with_no_other_group()
    {
        Assert.Equal(ExitStatus.Exited(0), await RunAsync(Shell("id -u; id -g; id -G") with { UserId = 65534, GroupId = 65534 }));
        Assert.Equal(["65534", "65534", "65534"], File.ReadAllLines(Output));
    }

    [Fact]
    public async Task Many_at_once_all_run_and_none_is_left()
    {
        ExitStatus[] ends = await Task.WhenAll(Enumerable.Range(0, 16).Select(index => RunAsync(Shell($"exit {index}"))));
        Assert.Equal(Enumerable.Range(0, 16), ends.Select(end => end.Value));
    }

    public void Dispose()
    {
        _processes.Dispose();
        _directory.Dispose();
    }

    private string Output => Path.Combine(_directory.Path, "output");

    private LaunchSpec Shell(string command, params string[] arguments) => new()
    {
        Program = "sh",
        Arguments = ["-c", command, .. arguments],
        OutputPath = Output,
        ErrorPath = Output,
    };

    private async Task<ExitStatus> RunAsync(LaunchSpec spec)
    {
        await using PreparedProcess prepared = await _processes.PrepareAsync(spec, default);
        using SupervisedProcess process = await prepared.GoAsync(default);
        return await process.Ended;
    }

    private async Task<string> RefusalAsync(LaunchSpec spec) =>
        (await Assert.ThrowsAsync<Fault>(() => RunAsync(spec))).Message;
}
