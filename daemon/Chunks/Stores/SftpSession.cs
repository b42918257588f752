using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>Files over one SFTP connection: each call is a few requests, sent together where one needs not wait for the other.</summary>
internal sealed class SftpSession(SftpConnection connection, string name)
{
    private const string Sync = "fsync@openssh.com";

    /// <summary>Whether the server can make files durable.</summary>
    public bool CanSync => connection.Extensions.Contains(Sync);

    /// <summary>The file's bytes; -1 when there is none.</summary>
    public async Task<long> SizeAsync(string path, CancellationToken cancel)
    {
        var answer = await connection.AskAsync(SftpPacket.Stat, packet => packet.Add(path), cancel);
        return answer.Type == SftpPacket.Attributes ? SizeOf(answer, path) : answer.Status == SftpPacket.StatusNoSuchFile ? -1 : throw FaultOf(answer, path);
    }

    /// <summary>Reads a whole file; -1 when there is none.</summary>
    public async Task<int> ReadFileAsync(string path, string what, Memory<byte> target, CancellationToken cancel)
    {
        var opened = await connection.AskAsync(SftpPacket.Open, packet => packet.Add(path).Add(SftpPacket.OpenRead).Add(0u), cancel);
        if (opened.Type != SftpPacket.Handle)
        {
            return opened.Status == SftpPacket.StatusNoSuchFile ? -1 : throw FaultOf(opened, path);
        }

        var handle = opened.TakeBytes();
        try
        {
            var stat = await connection.AskAsync(SftpPacket.FileStat, packet => packet.Add(handle.Span), cancel);
            var size = stat.Type == SftpPacket.Attributes ? SizeOf(stat, path) : throw FaultOf(stat, path);
            if (size > target.Length)
            {
                throw new Fault(FaultKind.Corrupt, $"{what} of {name} has {size} bytes where at most {target.Length} may be");
            }

            var blocks = Enumerable.Range(0, (int)((size + Limits.SftpBlockBytes - 1) / Limits.SftpBlockBytes)).Select(block =>
            {
                var offset = block * Limits.SftpBlockBytes;
                return ReadBlockAsync(handle, path, offset, target[offset..(int)Math.Min(offset + Limits.SftpBlockBytes, size)], cancel);
            });
            await Task.WhenAll(blocks);
            return (int)size;
        }
        finally
        {
            await CloseAsync(handle, cancel);
        }
    }

    /// <summary>Makes the names in a directory durable. False when the server does not open directories as files are opened, or does not sync them.</summary>
    public async Task<bool> SyncDirectoryAsync(string path, CancellationToken cancel)
    {
        var opened = await connection.AskAsync(SftpPacket.Open, packet => packet.Add(path).Add(SftpPacket.OpenRead).Add(0u), cancel);
        if (opened.Type != SftpPacket.Handle)
        {
            return opened.Status is SftpPacket.StatusFailure or SftpPacket.StatusUnsupported ? false : throw FaultOf(opened, path);
        }

        var handle = opened.TakeBytes();
        try
        {
            return (await connection.AskAsync(SftpPacket.Extended, packet => packet.Add(Sync).Add(handle.Span), cancel)).Status == SftpPacket.StatusOk;
        }
        finally
        {
            await CloseAsync(handle, cancel);
        }
    }

    /// <summary>Writes a file under another name, and renames it over the path. The directory of the path is made when it is not there; the one above is.</summary>
    public async Task WriteFileAsync(string temporary, string path, ReadOnlyMemory<byte> bytes, uint mode, CancellationToken cancel)
    {
        const uint how = SftpPacket.OpenWrite | SftpPacket.OpenCreate | SftpPacket.OpenExclusive;
        var opened = await OpenAsync();
        if (opened.Status == SftpPacket.StatusNoSuchFile)
        {
            // Another writer may make it at the same time: whether it is there shows at the next try.
            await connection.AskAsync(SftpPacket.MakeDirectory, packet => packet.Add(path[..path.LastIndexOf('/')]).Add(0u), cancel);
            opened = await OpenAsync();
        }

        if (opened.Type != SftpPacket.Handle)
        {
            throw FaultOf(opened, temporary);
        }

        try
        {
            await FillAsync(opened.TakeBytes(), temporary, bytes, cancel);
            ThrowUnlessOk(await connection.AskAsync(SftpPacket.Extended, packet => packet.Add("posix-rename@openssh.com").Add(temporary).Add(path), cancel), path);
        }
        catch
        {
            if (!connection.IsBroken)
            {
                Task removed = connection.AskAsync(SftpPacket.Remove, packet => packet.Add(temporary), CancellationToken.None);
                await removed.WaitAsync(Limits.StoreConnectMax, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            throw;
        }

        Task<SftpReply> OpenAsync()
        {
            return connection.AskAsync(SftpPacket.Open, packet => packet.Add(temporary).Add(how).Add(SftpPacket.AttributePermissions).Add(mode), cancel);
        }
    }

    private async Task FillAsync(ReadOnlyMemory<byte> handle, string path, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        try
        {
            var writes = Enumerable.Range(0, (bytes.Length + Limits.SftpBlockBytes - 1) / Limits.SftpBlockBytes).Select(async block =>
            {
                var offset = block * Limits.SftpBlockBytes;
                var part = bytes[offset..Math.Min(offset + Limits.SftpBlockBytes, bytes.Length)];
                ThrowUnlessOk(await connection.AskAsync(SftpPacket.Write, packet => packet.Add(handle.Span).Add((ulong)offset).Add(part.Span), cancel), path);
            });
            await Task.WhenAll(writes);
            if (CanSync)
            {
                ThrowUnlessOk(await connection.AskAsync(SftpPacket.Extended, packet => packet.Add(Sync).Add(handle.Span), cancel), path);
            }
        }
        finally
        {
            await CloseAsync(handle, cancel);
        }
    }

    private async Task ReadBlockAsync(ReadOnlyMemory<byte> handle, string path, int offset, Memory<byte> target, CancellationToken cancel)
    {
        var done = 0;
        while (done < target.Length)
        {
            // A server may answer less than was asked for.
            var at = (ulong)(offset + done);
            var count = (uint)(target.Length - done);
            var answer = await connection.AskAsync(SftpPacket.Read, packet => packet.Add(handle.Span).Add(at).Add(count), cancel);
            if (answer.Type != SftpPacket.Data)
            {
                throw answer.Status == SftpPacket.StatusEnd
                    ? new Fault(FaultKind.Unavailable, $"{name}: {path} became shorter while it was read")
                    : FaultOf(answer, path);
            }

            var data = answer.TakeBytes();
            if (data.Length == 0 || data.Length > count)
            {
                throw new Fault(FaultKind.Precondition, $"{name} answered {data.Length} bytes of {path} where {count} were asked for");
            }

            data.CopyTo(target[done..]);
            done += data.Length;
        }
    }

    private async Task CloseAsync(ReadOnlyMemory<byte> handle, CancellationToken cancel)
    {
        if (!connection.IsBroken)
        {
            Task closed = connection.AskAsync(SftpPacket.Close, packet => packet.Add(handle.Span), cancel);
            await closed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private long SizeOf(SftpReply attributes, string path) =>
        (attributes.TakeNumber() & SftpPacket.AttributeSize) != 0 && attributes.TakeLongNumber() is <= long.MaxValue and var size
            ? (long)size
            : throw new Fault(FaultKind.Precondition, $"{name} does not tell how long {path} is");

    private void ThrowUnlessOk(SftpReply answer, string path)
    {
        if (answer.Status != SftpPacket.StatusOk)
        {
            throw FaultOf(answer, path);
        }
    }

    private Fault FaultOf(SftpReply answer, string path) => answer.Status switch
    {
        null => new Fault(FaultKind.Precondition, $"{name} answered packet {answer.Type} for {path}"),
        SftpPacket.StatusNoSuchFile => new Fault(FaultKind.Precondition, $"{name} has no {path}", hint: "make the store's directory first"),
        SftpPacket.StatusDenied => new Fault(FaultKind.Denied, $"{name} lets the user not at {path}", hint: "check who owns the store's directory"),
        SftpPacket.StatusUnsupported => new Fault(FaultKind.Precondition, $"{name} cannot do that with {path}"),
        var code => new Fault(FaultKind.Unavailable, $"{name} failed at {path} with status {code}"),
    };
}
