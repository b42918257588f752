using System.Collections.Concurrent;
using System.Security.Cryptography;
using Auraed.Base;

namespace Auraed.Chunks.Stores;

/// <summary>
/// casync's layout on another host, through OpenSSH's <c>ssh -s HOST sftp</c>: who may do what is ssh's business, keys and known hosts are ssh's files.
/// A file is written under <c>id.random.tmp</c>, synced where the server can (fsync@openssh.com), and renamed over its name (posix-rename@openssh.com); its directory is synced by
/// a flush. One session for all callers, opened at the first call and again after it broke.
/// </summary>
public sealed class SftpStore : IChunkStore
{
    private const string PosixRename = "posix-rename@openssh.com";
    private const uint ReadOnlyFile = 0x124;
    private const uint PlainFile = 0x1A4;

    private readonly StoreLocation _location;
    private readonly StoreOptions _options;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _opening = new(1);
    private readonly ConcurrentDictionary<string, byte> _unsynced = new(StringComparer.Ordinal);
    private SftpConnection? _connection;

    // Of the server, which is asked once: what fails later is a fault, and no lack.
    private bool? _canSync;

    public SftpStore(StoreLocation location, StoreOptions options, TimeProvider clock)
    {
        Invariant.Hold(location.Kind == StoreKind.Sftp);
        _location = location;
        _options = options;
        _clock = clock;
        _ = Arguments(location, options);
    }

    public string Name => _location.Text;

    public Task<int> ReadAsync(ChunkId id, Memory<byte> target, CancellationToken cancel) =>
        WithinAsync($"read of chunk {id}", Limits.StoreAnswerMax, (session, token) => session.ReadFileAsync(PathOf(id), $"chunk {id}", target, token), cancel);

    public Task<bool> HasAsync(ChunkId id, CancellationToken cancel) =>
        WithinAsync($"look for chunk {id}", Limits.StoreAnswerMax, (session, token) => FindsAsync(session, PathOf(id), token), cancel);

    public Task WriteAsync(ChunkId id, ReadOnlyMemory<byte> file, bool replaces, CancellationToken cancel) => WithinAsync($"write of chunk {id}", Limits.StoreAnswerMax, async (session, token) =>
    {
        var path = PathOf(id);
        if (replaces || !await FindsAsync(session, path, token))
        {
            var temporary = $"{path[..^ChunkFile.Extension.Length]}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp";
            await session.WriteFileAsync(temporary, path, file, ReadOnlyFile, token);
            Note(path);
        }

        return true;
    }, cancel);

    public async Task<bool> CanSyncAsync(CancellationToken cancel) => _canSync ??= await WithinAsync(
        "sync of the store's directory", Limits.StoreAnswerMax, async (session, token) => session.CanSync && await session.SyncDirectoryAsync(_location.Path, token), cancel);

    public async Task FlushAsync(CancellationToken cancel)
    {
        if (_unsynced.IsEmpty || !await CanSyncAsync(cancel))
        {
            return;
        }

        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Limits.StoreFetchesDefault, CancellationToken = cancel };
        await Parallel.ForEachAsync(_unsynced.Keys, parallel, async (directory, token) =>
        {
            // Taken off first: a name that comes while this runs puts it on again.
            _unsynced.TryRemove(directory, out _);
            try
            {
                await SyncAsync(directory, token);
            }
            catch
            {
                _unsynced[directory] = 0;
                throw;
            }
        });
    }

    public Task<byte[]?> ReadIndexAsync(IndexName name, CancellationToken cancel) => WithinAsync($"read of index {name}", Limits.StoreIndexAnswerMax, async (session, token) =>
    {
        var path = $"{_location.Path}/{name}";
        var size = await session.SizeAsync(path, token);
        if (size > Limits.AssetIndexBytesMax)
        {
            throw new Fault(FaultKind.Corrupt, $"index {name} of {Name} has more than {Limits.AssetIndexBytesMax} bytes");
        }

        var bytes = new byte[Math.Max(size, 0)];
        var count = size < 0 ? -1 : await session.ReadFileAsync(path, $"index {name}", bytes, token);
        return count < 0 ? null : bytes[..count];
    }, cancel);

    public async Task WriteIndexAsync(IndexName name, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        var path = $"{_location.Path}/{name}";
        _ = await WithinAsync($"write of index {name}", Limits.StoreIndexAnswerMax, async (session, token) =>
        {
            await session.WriteFileAsync($"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp", path, bytes, PlainFile, token);
            return true;
        }, cancel);
        if (await CanSyncAsync(cancel))
        {
            _ = await SyncAsync(_location.Path, cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }

        _opening.Dispose();
    }

    /// <summary>
    /// What ssh is started with: it asks nobody, forwards nothing, runs nothing on this side, shares no connection, and takes what follows <c>--</c> for no option.
    /// </summary>
    internal static IReadOnlyList<string> Arguments(StoreLocation location, StoreOptions options)
    {
        List<string> arguments =
        [
            "-T", "-oBatchMode=yes", "-oClearAllForwardings=yes", "-oForwardAgent=no", "-oForwardX11=no", "-oPermitLocalCommand=no", "-oTunnel=no",
            "-oControlMaster=no", "-oControlPath=none", "-oStrictHostKeyChecking=yes", "-oServerAliveInterval=15", "-oServerAliveCountMax=3",
            $"-oConnectTimeout={Limits.StoreConnectMax.TotalSeconds:0}",
        ];
        if (options.ConfigurationFile is { } configuration)
        {
            arguments.Add("-F" + FileOf(configuration, "configuration_file"));
        }

        if (options.IdentityFile is { } identity)
        {
            arguments.AddRange(["-oIdentitiesOnly=yes", "-oIdentityFile=" + FileOf(identity, "identity_file")]);
        }

        if (options.KnownHostsFile is { } knownHosts)
        {
            arguments.AddRange(["-oGlobalKnownHostsFile=none", "-oUserKnownHostsFile=" + FileOf(knownHosts, "known_hosts_file")]);
        }

        if (location.Port is { } port)
        {
            arguments.Add($"-p{port}");
        }

        if (location.User is { } user)
        {
            arguments.Add("-l" + user);
        }

        return [.. arguments, "-s", "--", location.Host, "sftp"];
    }

    // ssh reads such a value as its configuration's: it knows quotes, tokens after a percent sign, variables, and lists.
    private static string FileOf(string path, string field)
    {
        var full = Path.GetFullPath(path);
        return full.Any(character => char.IsControl(character) || char.IsWhiteSpace(character) || character is '"' or '\'' or '\\' or '%' or '$' or ',')
            ? throw Fault.Invalid(field, $"{field} '{full}' has a character that ssh reads as more than a name")
            : full;
    }

    private string PathOf(ChunkId id) => $"{_location.Path}/{ChunkFile.PathOf(id)}";

    private async Task<bool> FindsAsync(SftpSession session, string path, CancellationToken cancel)
    {
        if (await session.SizeAsync(path, cancel) < 0)
        {
            return false;
        }

        // The file was synced before it had its name; whoever gave it the name may have been cut off before the directory was.
        Note(path);
        return true;
    }

    private void Note(string path)
    {
        _unsynced[path[..path.LastIndexOf('/')]] = 0;
        _unsynced[_location.Path] = 0;
    }

    private Task<bool> SyncAsync(string directory, CancellationToken cancel) => WithinAsync($"sync of {directory}", Limits.StoreAnswerMax, async (session, token) =>
        await session.SyncDirectoryAsync(directory, token) ? true : throw new Fault(FaultKind.Internal, $"{Name} could not sync {directory}", hint: "check the disk of its host"), cancel);

    private async Task<T> WithinAsync<T>(string what, TimeSpan timeMax, Func<SftpSession, CancellationToken, Task<T>> action, CancellationToken cancel)
    {
        using var deadline = new CancellationTokenSource(timeMax, _clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, deadline.Token);
        try
        {
            return await action(new SftpSession(await ConnectAsync(both.Token), Name), both.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new Fault(FaultKind.Unavailable, $"{Name} did not answer within {timeMax.TotalSeconds:0} s: {what}");
        }
    }

    private async Task<SftpConnection> ConnectAsync(CancellationToken cancel)
    {
        await _opening.WaitAsync(cancel);
        try
        {
            if (_connection is { IsBroken: true })
            {
                await _connection.DisposeAsync();
                _connection = null;
            }

            if (_connection is null)
            {
                var connection = await SftpConnection.OpenAsync(Name, _options.SshProgram, Arguments(_location, _options), _clock, cancel);
                if (!connection.Extensions.Contains(PosixRename))
                {
                    await connection.DisposeAsync();
                    throw new Fault(FaultKind.Precondition, $"{Name} cannot rename over a file: its server lacks {PosixRename}");
                }

                _connection = connection;
            }

            return _connection;
        }
        finally
        {
            _opening.Release();
        }
    }
}
