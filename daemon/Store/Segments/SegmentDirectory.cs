using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Native;
using Auraed.Store.Proof;

namespace Auraed.Store.Segments;

/// <summary>
/// Where archived segments are put and found again. All that archiving knows of a place is here. Invariants: under a segment's name only a file ever
/// stands that was synced, read back and verified; one that a kill left half written has another name, and the next one replaces it.
/// </summary>
internal sealed class SegmentDirectory
{
    private readonly string _path;

    /// <summary>Makes the directory when it is missing. Fault(Precondition) when that cannot be.</summary>
    public SegmentDirectory(string path)
    {
        _path = path;
        try
        {
            _ = Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Precondition, $"the archive's directory {path} cannot be made: {refused.Message}", hint: "make it, writable by the daemon", cause: refused) { Reason = "CANNOT_OPEN" };
        }
    }

    /// <summary>Writes a segment beside its place, syncs it, reads it back and verifies it, and then gives it its name.</summary>
    /// <param name="fill">Writes the segment's bytes.</param>
    /// <param name="key">Must have signed its checkpoint.</param>
    public async Task<ArchivedSegment> PlaceAsync(
        long first, long last, long time, Func<Stream, Task> fill, CheckpointKey? key, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        string path = Path.Combine(_path, SegmentFiles.NameOf(first, last));
        string partial = path + ".partial";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
            await using (var file = new FileStream(partial, options))
            {
                await fill(file).ConfigureAwait(false);
            }

            CrashPoint.Reach("archive.written");
            DurableFiles.SyncFile(partial);
            SegmentReport report = SegmentCheck.OfFile(partial, key, progress, cancel);
            if (!report.IsSound)
            {
                throw new Fault(FaultKind.Corrupt, $"the segment of events {first} to {last} is not sound and does not count: {report.Findings[0]}", hint: "auraed verify, and check the disk of the archive") { Reason = "SEGMENT_DAMAGED" };
            }

            CrashPoint.Reach("archive.verified");
            DurableFiles.Publish(partial, path);
            CrashPoint.Reach("archive.placed");
            (long bytes, byte[] digest) = await DigestAsync(path, cancel).ConfigureAwait(false);
            return new ArchivedSegment(first, last, path, bytes, digest, time);
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

    /// <summary>What is wrong with a segment in its place, as it is now; null when it is what was placed there and ends with this hash.</summary>
    public static async Task<string?> FindWrongAsync(ArchivedSegment segment, byte[] lastHash, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        try
        {
            (long bytes, byte[] digest) = await DigestAsync(segment.Path, cancel).ConfigureAwait(false);
            // The digest was taken when the signature was verified; the key may have been replaced since.
            SegmentReport report = SegmentCheck.OfFile(segment.Path, null, progress, cancel);
            return bytes != segment.Bytes || !digest.AsSpan().SequenceEqual(segment.Digest) ? "it is not the file that was archived"
                : !report.IsSound ? report.Findings[0]
                : report.Header!.First != segment.First || report.Header.Last != segment.Last ? "it holds other events"
                : !lastHash.AsSpan().SequenceEqual(report.Head) ? "it is not of this log"
                : null;
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
