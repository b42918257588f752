using System.Net.Sockets;
using Auraed.Base;

namespace Auraed.Supervise;

/// <summary>A launcher that waits for the word to execute its program. Disposed without that word, it is killed and leaves nothing.</summary>
public sealed class PreparedProcess : IAsyncDisposable
{
    private readonly Socket _channel;
    private readonly string _program;
    private SupervisedProcess? _process;

    internal PreparedProcess(SupervisedProcess process, Socket channel, string program) => (_process, _channel, _program) = (process, channel, program);

    /// <summary>As it will be known: exec changes neither the number nor the start.</summary>
    public ProcessIdentity Identity => (_process ?? throw new ObjectDisposedException(nameof(PreparedProcess))).Identity;

    /// <summary>The running process, which the caller owns; its program has been executed. On a fault nothing is left.</summary>
    public async Task<SupervisedProcess> GoAsync(CancellationToken cancel)
    {
        SupervisedProcess process = _process ?? throw new ObjectDisposedException(nameof(PreparedProcess));
        byte[] word = [LaunchWire.Go];
        await SendAsync(word, cancel).ConfigureAwait(false);
        byte? answer = await ReadAsync(cancel).ConfigureAwait(false);
        if (answer is not null)
        {
            throw await FailureAsync(answer.Value, cancel).ConfigureAwait(false);
        }

        // The stream ends when the program is executed, and also when the launcher was killed; the process' end tells them apart.
        _process = null;
        return process;
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        if (_process is { } process)
        {
            _process = null;
            process.KillGroup();
            _ = await process.Ended.ConfigureAwait(false);
            process.Dispose();
        }
    }

    internal async Task PrepareAsync(byte[] frame, CancellationToken cancel)
    {
        await SendAsync(frame, cancel).ConfigureAwait(false);
        byte? answer = await ReadAsync(cancel).ConfigureAwait(false);
        if (answer != LaunchWire.Prepared)
        {
            throw answer is null
                ? new Fault(FaultKind.Unavailable, $"cannot launch {_program}: its launcher {await _process!.Ended.ConfigureAwait(false)}")
                : await FailureAsync(answer.Value, cancel).ConfigureAwait(false);
        }
    }

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        try
        {
            while (bytes.Length > 0)
            {
                bytes = bytes[await _channel.SendAsync(bytes, SocketFlags.None, cancel).ConfigureAwait(false)..];
            }
        }
        catch (SocketException)
        {
            // The launcher has gone; what it said last, or its end, is read next.
        }
    }

    private async Task<byte?> ReadAsync(CancellationToken cancel)
    {
        var word = new byte[1];
        return await ReceiveAsync(word, cancel).ConfigureAwait(false) == 1 ? word[0] : null;
    }

    private async Task<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        try
        {
            return await _channel.ReceiveAsync(buffer, SocketFlags.None, cancel).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private async Task<Fault> FailureAsync(byte letter, CancellationToken cancel)
    {
        Invariant.Hold(letter == LaunchWire.Failed, "a launcher says that it is prepared or that it failed");
        using var rest = new MemoryStream();
        var buffer = new byte[512];
        int count;
        while ((count = await ReceiveAsync(buffer, cancel).ConfigureAwait(false)) > 0 && rest.Length <= Limits.LaunchSpecBytesMax)
        {
            rest.Write(buffer, 0, count);
        }

        (LaunchStep step, int error, string what) = LaunchWire.DecodeFailure(rest.ToArray());
        return LaunchFaults.Of(step, error, what, _program);
    }
}
