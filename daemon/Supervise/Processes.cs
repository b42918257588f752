using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Supervise;

/// <summary>
/// Starts processes and finds them again. A start has two halves, so that no process runs that is on no record: <see cref="PrepareAsync"/> answers its
/// identity, the caller keeps that durably, and <see cref="PreparedProcess.GoAsync"/> lets it run. A daemon that dies in between leaves nothing.
/// </summary>
public sealed class Processes(TimeProvider time) : IDisposable
{
    private static readonly IReadOnlyList<string> LauncherArguments = RuntimeFeature.IsDynamicCodeSupported
        ? [Environment.ProcessPath ?? "dotnet", Path.Combine(AppContext.BaseDirectory, "auraed.dll"), Launcher.Verb]
        : ["auraed", Launcher.Verb];

    private readonly DescriptorWatch _watch = new();

    /// <summary>Whom a process runs as that is given no user.</summary>
    public static (uint User, uint Group) Own => (ProcessGuards.UserId, ProcessGuards.GroupId);

    /// <summary>The binary as it runs, even when its file has been replaced since; a run without one is started the way it was.</summary>
    private static string LauncherPath => RuntimeFeature.IsDynamicCodeSupported ? LauncherArguments[0] : "/proc/self/exe";

    /// <summary>
    /// The process, set up but for executing its program. Fault(Precondition) names the step that was refused and why; Fault(Unavailable) when
    /// the host has no process or memory left. On a fault nothing of it is left.
    /// </summary>
    public async Task<PreparedProcess> PrepareAsync(LaunchSpec spec, CancellationToken cancel)
    {
        byte[] frame = LaunchWire.Encode(spec);
        using SupervisedProcess? peer = spec.NamespacesOf is { } identity
            ? TryAdopt(identity) ?? throw new Fault(FaultKind.Precondition, $"cannot launch {spec.Program}: process {identity.Id}, whose namespaces it was to join, has ended")
            : null;
        SpawnTable table = !spec.Namespaces.HasFlag(Namespaces.Process) ? SpawnTable.Own : peer is null ? SpawnTable.New : SpawnTable.Joined;
        (int id, Socket channel) = ProcessSpawn.Start(LauncherPath, LauncherArguments, LauncherEnvironment(), table, peer?.Descriptor);
        var descriptor = ProcessDescriptor.TryOpen(id) ?? throw new Fault(FaultKind.Internal, "a child has no descriptor");
        var process = new SupervisedProcess(_watch, descriptor, new ProcessIdentity(id, ProcessFiles.StartTicks(id) ?? 0, BootClock.BootId), isChild: true, time);
        var prepared = new PreparedProcess(process, channel, spec.Program);
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(Limits.LaunchTimeMax);
            await prepared.PrepareAsync(frame, patience.Token).ConfigureAwait(false);
            return prepared;
        }
        catch (Exception error)
        {
            await prepared.DisposeAsync().ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
            throw error is OperationCanceledException
                ? new Fault(FaultKind.Unavailable, $"cannot launch {spec.Program}: its launcher was not prepared within {Limits.LaunchTimeMax.TotalSeconds} s")
                : error;
        }
    }

    /// <summary>The process of before, found by what is on record; null when it has ended, were its number another's by now.</summary>
    public SupervisedProcess? TryAdopt(ProcessIdentity identity)
    {
        if (identity.BootId != BootClock.BootId || identity.Id <= 0 || ProcessDescriptor.TryOpen(identity.Id) is not { } descriptor)
        {
            return null;
        }

        // The descriptor is held first: what is read after that is of its process, or the number has ended with it.
        (ulong Ticks, bool IsZombie)? start = ProcessFiles.Start(identity.Id);
        if (start == (identity.StartTicks, false))
        {
            return new SupervisedProcess(_watch, descriptor, identity, isChild: false, time);
        }

        if (start == (identity.StartTicks, true))
        {
            // A child that ended while nobody watched: unreaped it would hold up the end of its process namespace.
            _ = ProcessDescriptor.TryReap(descriptor);
        }

        descriptor.Dispose();
        return null;
    }

    public void Dispose() => _watch.Dispose();

    /// <summary>A run without the binary needs to find its runtime; the binary needs nothing, and a small heap starts faster.</summary>
    private static List<string> LauncherEnvironment()
    {
        List<string> variables = ["DOTNET_GCHeapHardLimit=0x4000000", "DOTNET_TieredCompilation=1"];
        foreach (string name in (string[])["PATH", "HOME", "DOTNET_ROOT"])
        {
            if (RuntimeFeature.IsDynamicCodeSupported && Environment.GetEnvironmentVariable(name) is { } value)
            {
                variables.Add($"{name}={value}");
            }
        }

        return variables;
    }
}
