using System.Buffers.Binary;
using System.Collections.Concurrent;
using Auraed.Base;
using Auraed.Supervise;

namespace Auraed.Chunks.Stores;

/// <summary>
/// One SFTP session through a child process, of many callers: each request has an id, and the answers come in any order.
/// Invariants: once the session is broken, every waiting and every later request fails with what broke it.
/// </summary>
internal sealed class SftpConnection : IAsyncDisposable
{
    private const uint ProtocolVersion = 3;

    private readonly PipedProcess _child;
    private readonly string _name;
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<SftpReply>> _waiting = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly TaskCompletionSource<SftpReply> _version = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _loop;
    private uint _lastId;
    private volatile Fault? _broken;

    private SftpConnection(PipedProcess child, string name)
    {
        _child = child;
        _name = name;
        _loop = ReadLoopAsync();
    }

    public bool IsBroken => _broken is not null;

    /// <summary>What the server can do beyond the protocol.</summary>
    public IReadOnlySet<string> Extensions { get; private set; } = new HashSet<string>();

    public static async Task<SftpConnection> OpenAsync(string name, string program, IEnumerable<string> arguments, TimeProvider clock, CancellationToken cancel)
    {
        var connection = new SftpConnection(PipedProcess.Start(program, arguments), name);
        try
        {
            await connection.GreetAsync(clock, cancel);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends one request and returns its answer, whatever that says.</summary>
    public async Task<SftpReply> AskAsync(byte type, Action<SftpWriter> fields, CancellationToken cancel)
    {
        var id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<SftpReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = answer;
        try
        {
            var packet = new SftpWriter(type, id);
            fields(packet);
            await SendAsync(packet.ToPacket(), cancel);
            if (_broken is { } broken)
            {
                throw Again(broken);
            }

            return await answer.Task.WaitAsync(cancel);
        }
        finally
        {
            // An answer that comes after its caller went is dropped.
            _waiting.TryRemove(id, out _);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _child.DisposeAsync();
        await _loop;
        _sending.Dispose();
    }

    private async Task GreetAsync(TimeProvider clock, CancellationToken cancel)
    {
        using var deadline = new CancellationTokenSource(Limits.StoreConnectMax, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, deadline.Token);
        try
        {
            await SendAsync(new SftpWriter(SftpPacket.Init, ProtocolVersion).ToPacket(), both.Token);
            var version = await _version.Task.WaitAsync(both.Token);
            var extensions = new HashSet<string>(StringComparer.Ordinal);
            while (!version.IsEmpty)
            {
                extensions.Add(version.TakeText());
                version.TakeBytes();
            }

            Extensions = extensions;
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new Fault(FaultKind.Unavailable, $"{_name} did not answer within {Limits.StoreConnectMax.TotalSeconds:0} s: {_child.Error}");
        }
    }

    private async Task SendAsync(ReadOnlyMemory<byte> packet, CancellationToken cancel)
    {
        if (_broken is { } broken)
        {
            throw Again(broken);
        }

        await _sending.WaitAsync(cancel);
        try
        {
            // Half a packet would end the session: this is not called off.
            await _child.Input.WriteAsync(packet, CancellationToken.None);
            await _child.Input.FlushAsync(CancellationToken.None);
        }
        catch (IOException cause)
        {
            throw new Fault(FaultKind.Unavailable, $"{_name} broke off: {await _child.LastErrorAsync()}", cause: cause);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task ReadLoopAsync()
    {
        try
        {
            var head = new byte[9];
            while (await _child.Output.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false) == head.Length)
            {
                var length = BinaryPrimitives.ReadUInt32BigEndian(head);
                if (length is < 5 or > Limits.SftpPacketBytesMax)
                {
                    // What a shell prints before the subsystem starts lands here.
                    throw new Fault(FaultKind.Precondition, $"{_name} does not speak SFTP", hint: "the user's shell must print nothing when it is not asked to");
                }

                var fields = new byte[length - 5];
                await _child.Output.ReadExactlyAsync(fields);
                Deliver(head[4], BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(5)), fields);
            }

            var error = await _child.LastErrorAsync();
            Break(new Fault(FaultKind.Unavailable, $"{_name} closed the connection: {(error.Length > 0 ? error : "ssh said nothing")}", hint: "try it by hand: ssh -v"));
        }
        catch (Fault fault)
        {
            Break(fault);
        }
        catch (Exception cause) when (cause is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Break(new Fault(FaultKind.Unavailable, $"{_name} broke off: {cause.Message}", cause: cause));
        }
    }

    private void Deliver(byte type, uint id, byte[] fields)
    {
        var reply = new SftpReply(type, fields);
        if (type == SftpPacket.Version)
        {
            // Where others have the id, this has the version; a server answers the lower of the two.
            _ = id >= ProtocolVersion
                ? _version.TrySetResult(reply)
                : _version.TrySetException(new Fault(FaultKind.Precondition, $"{_name} speaks version {id} of SFTP, not {ProtocolVersion}"));
        }
        else if (_waiting.TryGetValue(id, out var answer))
        {
            answer.TrySetResult(reply);
        }
    }

    private void Break(Fault fault)
    {
        _broken = fault;
        _version.TrySetException(fault);
        _ = _version.Task.Exception;
        foreach (var answer in _waiting.Values)
        {
            answer.TrySetException(Again(fault));
        }
    }

    private static Fault Again(Fault fault) => new(fault.Kind, fault.Message, fault.Field, fault.Hint, fault);
}
