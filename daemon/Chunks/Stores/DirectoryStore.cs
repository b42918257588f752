using System.Collections.Concurrent;
using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Native;
using Auraed.Store;

namespace Auraed.Chunks.Stores;

/// <summary>
/// casync's store on disk: <c>4hex/64hex.cacnk</c>. A file is written under <c>id.random.tmp</c> beside its place, read-only (0444), synced, and given its
/// name unless that is taken. What a power cut leaves is a temporary name, or a whole chunk.
/// </summary>
public sealed class DirectoryStore : IChunkStore
{
    private const UnixFileMode ReadOnlyFile = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly string _root;
    private readonly ConcurrentDictionary<string, byte> _unsynced = new(StringComparer.Ordinal);

    public DirectoryStore(string root)
    {
        _root = Path.GetFullPath(root);
        Name = _root;
    }

    public string Name { get; }

    public Task<int> ReadAsync(ChunkId id, Memory<byte> target, CancellationToken cancel) =>
        ReadAsync(PathOf(id), target, $"chunk {id}", cancel);

    public Task<bool> HasAsync(ChunkId id, CancellationToken cancel) => Task.FromResult(Finds(PathOf(id)));

    public async Task WriteAsync(ChunkId id, ReadOnlyMemory<byte> file, bool replaces, CancellationToken cancel)
    {
        var path = PathOf(id);
        var directory = Path.GetDirectoryName(path)!;
        if (!replaces && Finds(path))
        {
            return;
        }

        await GuardAsync($"write chunk {id}", async () =>
        {
            if (!Directory.Exists(directory))
            {
                Directory.CreateDirectory(directory);
                _unsynced[_root] = 0;
                _unsynced[Path.GetDirectoryName(_root) ?? _root] = 0;
            }

            var temporary = Path.Combine(directory, $"{id}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp");
            await WriteFileAsync(temporary, file, ReadOnlyFile, Publish, cancel);
            _unsynced[directory] = 0;

            void Publish()
            {
                if (replaces)
                {
                    DurableFiles.Publish(temporary, path);
                }
                else
                {
                    DurableFiles.TryPublishNew(temporary, path);
                }
            }
        });
    }

    public Task<bool> CanSyncAsync(CancellationToken cancel) => Task.FromResult(true);

    public Task FlushAsync(CancellationToken cancel)
    {
        foreach (var directory in _unsynced.Keys)
        {
            // Taken off first: a name that comes while this runs puts it on again.
            _unsynced.TryRemove(directory, out _);
            try
            {
                cancel.ThrowIfCancellationRequested();
                DurableFiles.SyncDirectory(directory);
            }
            catch
            {
                _unsynced[directory] = 0;
                throw;
            }
        }

        return Task.CompletedTask;
    }

    public async Task<byte[]?> ReadIndexAsync(IndexName name, CancellationToken cancel)
    {
        var path = Path.Combine(_root, name.ToString());
        byte[]? bytes = null;
        cancel.ThrowIfCancellationRequested();
        await GuardAsync($"read index {name}", async () =>
        {
            var information = new FileInfo(path);
            if (!information.Exists)
            {
                return;
            }

            bytes = information.Length <= Limits.AssetIndexBytesMax
                ? await File.ReadAllBytesAsync(path, cancel)
                : throw new Fault(FaultKind.Corrupt, $"index {name} of {Name} has more than {Limits.AssetIndexBytesMax} bytes");
        });
        return bytes;
    }

    public Task WriteIndexAsync(IndexName name, ReadOnlyMemory<byte> bytes, CancellationToken cancel) => GuardAsync($"write index {name}", async () =>
    {
        Directory.CreateDirectory(_root);
        var path = Path.Combine(_root, name.ToString());
        var temporary = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp";
        await WriteFileAsync(temporary, bytes, ReadOnlyFile | UnixFileMode.UserWrite, () => DurableFiles.Publish(temporary, path), cancel);
    });

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private string PathOf(ChunkId id) => Path.Combine(_root, ChunkFile.PathOf(id));

    private bool Finds(string path)
    {
        // casync marks a chunk that it knows to be missing by a link to /dev/null under its name without the extension; under this name there are files.
        if (!File.Exists(path))
        {
            return false;
        }

        // The file was synced before it had its name; whoever gave it the name may have been cut off before the directory was.
        _unsynced[Path.GetDirectoryName(path)!] = 0;
        _unsynced[_root] = 0;
        _unsynced[Path.GetDirectoryName(_root) ?? _root] = 0;
        return true;
    }

    private async Task<int> ReadAsync(string path, Memory<byte> target, string what, CancellationToken cancel)
    {
        var count = -1;
        await GuardAsync($"read {what}", async () =>
        {
            try
            {
                using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                var length = RandomAccess.GetLength(file);
                if (length > target.Length)
                {
                    throw new Fault(FaultKind.Corrupt, $"{what} of {Name} has {length} bytes where at most {target.Length} may be");
                }

                count = 0;
                for (var read = 1; read > 0 && count < length; count += read)
                {
                    read = await RandomAccess.ReadAsync(file, target[count..(int)length], count, cancel);
                }
            }
            catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
            {
                // Nothing is under that name.
            }
        });
        return count;
    }

    private static async Task WriteFileAsync(string temporary, ReadOnlyMemory<byte> bytes, UnixFileMode mode, Action publish, CancellationToken cancel)
    {
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read, UnixCreateMode = mode, BufferSize = 0 };
            await using (var stream = new FileStream(temporary, options))
            {
                await stream.WriteAsync(bytes, cancel);
            }

            DurableFiles.SyncFile(temporary);
            CrashPoint.Reach("chunkstore.synced");
            publish();
            CrashPoint.Reach("chunkstore.published");
        }
        finally
        {
            // Published, it is not under this name any more.
            File.Delete(temporary);
        }
    }

    private async Task GuardAsync(string what, Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (UnauthorizedAccessException cause)
        {
            throw new Fault(FaultKind.Denied, $"cannot {what} in {Name}: {cause.Message}", hint: $"check who may use it: ls -ld {Name}", cause: cause);
        }
        catch (IOException cause) when (File.Exists(_root))
        {
            throw new Fault(FaultKind.Invalid, $"cannot {what} in {Name}: it is a file, and a store is a directory", "store", $"ls -ld {Name}", cause);
        }
        catch (IOException cause)
        {
            // What cannot pass by itself, or only when somebody makes room, is said as such; a disk that is away may come back.
            throw FileFaults.OfWriting($"cannot {what} in {Name}", Path.Combine(Name, "chunk"), cause) is { Kind: FaultKind.Exhausted or FaultKind.Denied } refused
                ? refused
                : new Fault(FaultKind.Unavailable, $"cannot {what} in {Name}: {cause.Message}", hint: $"check the disk: df {Name}", cause: cause);
        }
    }
}
