using Auraed.Base;
using Auraed.Supervise;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Supervise;

/// <summary>What is not shared with the host. A kernel or a container that allows none must refuse by name, which is then what is checked.</summary>
public sealed class ProcessNamespaces : IDisposable
{
    private const Namespaces All = Namespaces.Process | Namespaces.Mount | Namespaces.Network | Namespaces.HostName | Namespaces.Ipc;
    private readonly Processes _processes = new(TimeProvider.System);
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task A_process_of_its_own_table_is_its_first_and_sees_no_other()
    {
        if (await RunAsync(Shell("echo $$; ls -d /proc/[0-9]* | wc -l; hostname; ls /sys/class/net -d; cat /proc/net/dev | grep -c :") with { Namespaces = All, HostName = "alone" }))
        {
            // The shell, ls and wc.
            string[] lines = File.ReadAllLines(_directory["output"]);
            Assert.Equal("1", lines[0]);
            Assert.InRange(int.Parse(lines[1], null), 1, 3);
            Assert.Equal(["alone", "/sys/class/net", "1"], lines[2..]);
            Assert.NotEqual("alone", Environment.MachineName);
        }
    }

    [Fact]
    public async Task A_holder_keeps_namespaces_that_others_join_and_its_end_ends_them()
    {
        var holding = new LaunchSpec { Program = string.Empty, Namespaces = All, HostName = "held" };
        PreparedProcess prepared;
        try
        {
            prepared = await _processes.PrepareAsync(holding, default);
        }
        catch (Fault fault)
        {
            Assert.Equal(FaultKind.Precondition, fault.Kind);
            return;
        }

        using SupervisedProcess holder = await prepared.GoAsync(default);
        LaunchSpec joining = Shell("hostname; sh -c 'sleep 60 & echo left; exit' ; echo $PPID; exec sleep 60") with { Namespaces = All, NamespacesOf = holder.Identity };
        await using PreparedProcess joined = await _processes.PrepareAsync(joining, default);
        using SupervisedProcess process = await joined.GoAsync(default);
        await Eventually.HoldsAsync(() => File.ReadAllLines(_directory["output"]).Length == 3, "the output of one that joined");
        Assert.Equal(["held", "left", "0"], File.ReadAllLines(_directory["output"]));
        _ = holder.Signal(SignalNames.Kill);
        Assert.Equal(ExitStatus.Signalled(SignalNames.Kill), await process.Ended.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    public void Dispose()
    {
        _processes.Dispose();
        _directory.Dispose();
    }

    private LaunchSpec Shell(string command) => new()
    {
        Program = "sh",
        Arguments = ["-c", command],
        OutputPath = _directory["output"],
        ErrorPath = _directory["output"],
    };

    private async Task<bool> RunAsync(LaunchSpec spec)
    {
        try
        {
            await using PreparedProcess prepared = await _processes.PrepareAsync(spec, default);
            using SupervisedProcess process = await prepared.GoAsync(default);
            Assert.True((await process.Ended).IsSuccess, File.ReadAllText(_directory["output"]));
            return true;
        }
        catch (Fault fault)
        {
            Assert.Equal(FaultKind.Precondition, fault.Kind);
            return false;
        }
    }
}
