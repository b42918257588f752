using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Native;
using Auraed.Store.Proof;

namespace Auraed.Store.Segments;

/// <summary>
/// Archived segments as files of a directory. Invariants: under a segment's name only a file ever stands that was synced, read back and verified; one that a kill
/// left half written has another name, and the next one replaces it.
/// </summary>
internal sealed class SegmentDirectory(string directory, Database database) : ISegmentPlace
{
    /// <summary>Makes the directory when it is missing. Fault(Precondition) when that cannot be.</summary>
    public SegmentDirectory Make()
    {
        try
        {
            _ = Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return this;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Precondition, $"the archive's directory {directory} cannot be made: {refused.Message}", hint: "make it, writable by the daemon", cause: refused) { Reason = "CANNOT_OPEN" };
        }
    }

    /// <summary>The segment is written beside its place, synced, read back and verified, and then gets its name and its row.</summary>
    public async Task<ArchivedSegment> PlaceAsync(SegmentDraft draft, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        (long first, long last) = (draft.First, draft.Last);
        string path = Path.Combine(directory, SegmentFiles.NameOf(first, last));
        string partial = path + ".partial";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
            await using (var file = new FileStream(partial, options))
            {
                await foreach (ReadOnlyMemory<byte> part in draft.Parts.WithCancellation(cancel).ConfigureAwait(false))
                {
                    await file.WriteAsync(part, cancel).ConfigureAwait(false);
                }
            }

            CrashPoint.Reach("archive.written");
            DurableFiles.SyncFile(partial);
            SegmentReport report = SegmentCheck.OfFile(partial, draft.Key, progress, cancel);
            report.Require(first, last);

            CrashPoint.Reach("archive.verified");
            DurableFiles.Publish(partial, path);
            CrashPoint.Reach("archive.placed");
            (long bytes, byte[] digest) = await DigestAsync(path, cancel).ConfigureAwait(false);
            var segment = new ArchivedSegment(first, last, path, bytes, digest, draft.Time);
            _ = await database.WriteAsync(unit => ArchiveRows.Insert(unit.Prepare, segment), cancel).ConfigureAwait(false);
            return segment;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Exhausted, $"{path} cannot be written: {failure.Message}", hint: "free space in the archive's directory, or give another one", cause: failure) { Reason = "ARCHIVE_FULL" };
        }
        finally
        {
            File.Delete(partial);
        }
    }

    public async Task<string?> FindWrongAsync(ArchivedSegment segment, byte[] lastHash, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        try
        {
            (long bytes, byte[] digest) = await DigestAsync(segment.Path, cancel).ConfigureAwait(false);
            // The digest was taken when the signature was verified; the key may have been replaced since.
            return SegmentCheck.OfFile(segment.Path, null, progress, cancel).FindOther(segment, bytes, digest, lastHash);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or Fault { Kind: FaultKind.NotFound or FaultKind.Invalid })
        {
            return failure.Message;
        }
    }

    private static async Task<(long Bytes, byte[] Digest)> DigestAsync(string path, CancellationToken cancel)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, Limits.SegmentReadBytes);
        return (file.Length, await SHA256.HashDataAsync(file, cancel).ConfigureAwait(false));
    }
}
