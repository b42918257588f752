using System.Text;
using System.Threading.Channels;
using Auraed.Base;
using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Supervise;

/// <summary>A signal that was sent, whether or not it is ignored; the process as the host numbers it.</summary>
public readonly record struct SentSignal(int Number, int ProcessId);

/// <summary>
/// The signals that are sent on this host, by the kernel's own trace point (signal:signal_generate), in a trace buffer of its own: other tracers do not
/// notice. The buffer exists while somebody follows; that of a daemon that was killed is removed by the next.
/// </summary>
/// <param name="owner">Names the buffer: the database's identity.</param>
/// <param name="cgroups">Null on a host without a tree, where processes cannot be told apart by cgroup.</param>
public sealed class SignalTrace(string owner, Cgroups? cgroups) : IDisposable
{
    private static readonly string[] Events = ["signal/signal_generate", "cgroup/cgroup_attach_task", "sched/sched_process_fork"];
    private readonly Lock _gate = new();
    private readonly List<SignalFollower> _followers = [];
    private readonly byte[] _buffer = new byte[Limits.TraceReadBytes];
    private string _rest = string.Empty;
    private DescriptorWatch? _watch;
    private SafeFileHandle? _root;
    private SafeFileHandle? _pipe;
    private bool _isClosed;

    private string Instance => $"instances/auraed-{owner}";

    /// <summary>
    /// Follows from now on, until it is disposed. Fault(Unimplemented) when the kernel has no such trace or does not let the daemon.
    /// </summary>
    /// <param name="node">Only processes of this node of the daemon's cgroups, and those that they make; null for the whole host.</param>
    public SignalFollower Follow(string? node)
    {
        if (node is not null && cgroups is null)
        {
            throw new Fault(FaultKind.Unimplemented, "signals of one cell need a cgroup v2 tree, and this daemon has none", hint: "follow the whole host");
        }

        lock (_gate)
        {
            if (_isClosed)
            {
                throw new Fault(FaultKind.Unavailable, "the daemon is stopping");
            }

            if (_pipe is null)
            {
                Open();
            }

            Look();

            // After the trace is on: a process that comes in between is told by it.
            var follower = new SignalFollower(this, node is null ? null : cgroups!.TailOf(node), node is null ? [] : cgroups!.ProcessesOf(node));
            _followers.Add(follower);
            return follower;
        }
    }

    /// <summary>Removes what a daemon that was killed has left.</summary>
    public void Sweep()
    {
        using SafeFileHandle? root = TraceFiles.TryMount(out _);
        if (root is not null)
        {
            Remove(root);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            _followers.ForEach(follower => follower.End(null));
            _followers.Clear();
        }

        Close();
    }

    internal void Leave(SignalFollower follower)
    {
        lock (_gate)
        {
            if (!_followers.Remove(follower) || _followers.Count > 0)
            {
                return;
            }
        }

        Close();
    }

    private void Open()
    {
        _root = TraceFiles.TryMount(out string reason) ?? throw Refused(reason);
        try
        {
            Remove(_root);
            _ = Directory.CreateDirectory(PathOf(string.Empty));
            Write("trace_options", "nocontext-info");
            // Woken by the first line, not by a buffer that is half full.
            Write("buffer_percent", "0");
            Write("buffer_size_kb", $"{Limits.TraceBufferBytes / 1024}");
            _pipe = TraceFiles.OpenPipe(PathOf("trace_pipe"));
            foreach (string traced in Events)
            {
                Write($"events/{traced}/enable", "1");
            }

            _rest = string.Empty;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Shut();
            throw Refused(error.Message);
        }
    }

    private void Look()
    {
        if (_watch is null)
        {
            _watch = new DescriptorWatch();
            _ = _watch.Watch(_pipe!, OnReadable);
        }
    }

    /// <summary>Outside the gate: the watch's thread may be waiting for it.</summary>
    private void Close()
    {
        DescriptorWatch? watch;
        lock (_gate)
        {
            if (_followers.Count > 0)
            {
                return;
            }

            (watch, _watch) = (_watch, null);
        }

        watch?.Dispose();
        lock (_gate)
        {
            // Somebody may have come meanwhile, whose watch is another.
            if (_watch is null)
            {
                Shut();
            }
        }
    }

    private void Shut()
    {
        _pipe?.Dispose();
        if (_root is not null)
        {
            Remove(_root);
            _root.Dispose();
        }

        (_pipe, _root) = (null, null);
    }

    private void Remove(SafeFileHandle root)
    {
        try
        {
            Directory.Delete(TraceFiles.PathOf(root, Instance));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is not there, or somebody looks at it: the next one removes it.
        }
    }

    private string PathOf(string file) => TraceFiles.PathOf(_root!, $"{Instance}/{file}");

    private void Write(string file, string text)
    {
        int error = LaunchCalls.WriteFile(PathOf(file), text);
        if (error != 0)
        {
            throw new IOException($"{file}: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    private void OnReadable()
    {
        lock (_gate)
        {
            if (_pipe is null || _watch is null)
            {
                return;
            }

            int count = TraceFiles.Read(_pipe, _buffer);
            if (count > 0)
            {
                Take(Encoding.UTF8.GetString(_buffer, 0, count));
            }

            // Known to the watch already: this cannot fail.
            _ = _watch.Watch(_pipe, OnReadable);
        }
    }

    private void Take(string text)
    {
        string[] lines = (_rest + text).Split('\n');
        string begun = string.Empty;
        for (int index = 0; index < lines.Length - 1; index++)
        {
            string line = begun + lines[index];
            begun = TraceLine.IsCut(line) && line.Length < Limits.TraceReadBytes ? line + " " : string.Empty;
            if (begun.Length == 0)
            {
                TraceLine said = TraceLine.Parse(line);
                _followers.ForEach(follower => follower.Take(in said));
            }
        }

        _rest = begun + lines[^1];
    }

    private static Fault Refused(string reason) => new(
        FaultKind.Unimplemented, "GetPosixSignalStream is not implemented for nested Aurae daemons", hint: $"this daemon may not use the kernel's trace: {reason}") { Reason = "NO_TRACE" };
}

/// <summary>The signals that one caller is told.</summary>
public sealed class SignalFollower : IDisposable
{
    private readonly Channel<SentSignal> _signals = Channel.CreateBounded<SentSignal>(new BoundedChannelOptions(Limits.SignalsQueueCountMax) { SingleReader = true, SingleWriter = true });
    private readonly SignalTrace _trace;
    private readonly string? _cgroup;
    private readonly HashSet<int> _members;

    /// <param name="trace">Told of the end.</param>
    /// <param name="cgroup">Part of the path of the cgroup, and of all below; null for the whole host.</param>
    /// <param name="members">The processes that are in it.</param>
    internal SignalFollower(SignalTrace trace, string? cgroup, IEnumerable<int> members) => (_trace, _cgroup, _members) = (trace, cgroup, [.. members]);

    /// <summary>Ends with Fault(Exhausted) when the caller reads too slowly, or the kernel had no room: signals are missing then.</summary>
    public IAsyncEnumerable<SentSignal> ReadAsync(CancellationToken cancel) => _signals.Reader.ReadAllAsync(cancel);

    public void Dispose() => _trace.Leave(this);

    internal void Take(in TraceLine line)
    {
        switch (line.Kind)
        {
            case TraceLineKind.Signal when (_cgroup is null || _members.Contains(line.ProcessId)) && !_signals.Writer.TryWrite(new SentSignal(line.Signal, line.ProcessId)):
                End(new Fault(FaultKind.Exhausted, $"more than {Limits.SignalsQueueCountMax} signals wait to be read", hint: "read faster, or follow one cell"));
                break;
            case TraceLineKind.Lost:
                End(new Fault(FaultKind.Exhausted, "the kernel's trace buffer was full: signals are missing", hint: "follow again"));
                break;
            case TraceLineKind.Attach when _cgroup is not null:
                Set(line.ProcessId, $"{line.Cgroup}/".Contains(_cgroup, StringComparison.Ordinal));
                break;
            case TraceLineKind.Fork when _cgroup is not null:
                // Numbers are used again: a child of somebody else's is no member, whatever it was before.
                Set(line.ProcessId, _members.Contains(line.Parent));
                break;
            default:
                break;
        }
    }

    internal void End(Fault? fault) => _ = _signals.Writer.TryComplete(fault);

    private void Set(int process, bool isMember) => _ = isMember ? _members.Add(process) : _members.Remove(process);
}
