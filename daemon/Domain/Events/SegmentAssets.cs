using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Aurae.Assets.V0;
using Aurae.Events.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Domain.Assets;
using Auraed.Domain.Records;
using Auraed.EventLog;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Records;
using Auraed.Store.Segments;
using Google.Protobuf;

namespace Auraed.Domain.Events;

/// <summary>
/// Archived segments as assets of the default tenant. Invariant: the asset, the record that keeps it and the row that lets its events be pruned come in one unit of work,
/// after all chunks were durable, read back and verified; so a kill leaves an upload that is given up, and nothing else.
/// </summary>
internal sealed class SegmentAssets(Database database, AssetLibrary assets) : ISegmentPlace
{
    public const string MediaType = "application/vnd.aurae.event-segment";

    private const string Principal = "auraed:retention";
    private static readonly RecordTable Segments = Tables.ByTypeName[EventSegment.Descriptor.FullName];

    public async Task<ArchivedSegment> PlaceAsync(SegmentDraft draft, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        ArchivedSegment? segment = null;
        byte[] digest = [];
        await using IAsyncEnumerator<UploadRequest> steps = StepsAsync(draft, taken => digest = taken, cancel).GetAsyncEnumerator(cancel);
        _ = await assets.UploadAsync(Principal, steps, new UploadCompanion(CheckAsync, Record), cancel).ConfigureAwait(false);
        return segment!;

        Task CheckAsync(StoredContent content, string sha256, CancellationToken token)
        {
            string what = $"the segment of events {draft.First} to {draft.Last}";
            using var stream = new ContentStream(assets.Contents, content, what, token);
            SegmentCheck.OfStream(stream, what, draft.Key, progress, token).Require(draft.First, draft.Last);
            CrashPoint.Reach("archive.verified");
            return stream.Finish().AsSpan().SequenceEqual(digest)
                ? Task.CompletedTask
                : throw new Fault(FaultKind.Corrupt, $"{what} is not what was written", hint: "auraed verify") { Reason = "SEGMENT_DAMAGED" };
        }

        void Record(WriteUnit unit, RecordWriter writer, Asset asset)
        {
            string name = SegmentFiles.NameOf(draft.First, draft.Last);
            _ = writer.Create(new RecordDraft
            {
                Table = Segments,
                Name = name,
                Body = new EventSegment { Id = name, Asset = asset.Id, FirstSequence = draft.First, LastSequence = draft.Last },
            });
            segment = new ArchivedSegment(draft.First, draft.Last, LogRetention.AssetPrefix + asset.Id, asset.Size, digest, draft.Time);
            _ = ArchiveRows.Insert(unit.Prepare, segment);
        }
    }

    public async Task<string?> FindWrongAsync(ArchivedSegment segment, byte[] lastHash, Action<StoreProgress>? progress, CancellationToken cancel)
    {
        string id = segment.Path[LogRetention.AssetPrefix.Length..];
        try
        {
            StoredContent content = await database.ReadAsync(
                unit => AssetCatalog.Open(unit, new AssetName(RecordNames.DefaultTenant, id, IsId: true)).Content, cancel).ConfigureAwait(false);
            using var stream = new ContentStream(assets.Contents, content, $"asset {id}", cancel);
            // The digest was taken when the signature was verified; the key may have been replaced since.
            SegmentReport report = SegmentCheck.OfStream(stream, $"asset {id}", null, progress, cancel);
            return report.FindOther(segment, content.Size, stream.Finish(), lastHash);
        }
        catch (Fault fault) when (fault.Kind is FaultKind.NotFound or FaultKind.Corrupt or FaultKind.Unavailable or FaultKind.Precondition)
        {
            return fault.Message;
        }
    }

    private static async IAsyncEnumerable<UploadRequest> StepsAsync(SegmentDraft draft, Action<byte[]> take, [EnumeratorCancellation] CancellationToken cancel)
    {
        var header = new UploadHeader { Tenant = RecordNames.DefaultTenant, Title = SegmentFiles.NameOf(draft.First, draft.Last), MediaType = MediaType };
        header.Labels.Add("first_sequence", draft.First.ToString(CultureInfo.InvariantCulture));
        header.Labels.Add("last_sequence", draft.Last.ToString(CultureInfo.InvariantCulture));
        yield return new UploadRequest { Header = header };
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long size = 0;
        await foreach (ReadOnlyMemory<byte> part in draft.Parts.WithCancellation(cancel).ConfigureAwait(false))
        {
            hash.AppendData(part.Span);
            size += part.Length;
            for (int place = 0; place < part.Length; place += Limits.AssetDataBytesMax)
            {
                // The daemon's own intake has taken the bytes when it asks for the next step.
                ReadOnlyMemory<byte> piece = part.Slice(place, Math.Min(Limits.AssetDataBytesMax, part.Length - place));
                yield return new UploadRequest { Data = UnsafeByteOperations.UnsafeWrap(piece) };
            }
        }

        CrashPoint.Reach("archive.written");
        byte[] digest = hash.GetHashAndReset();
        take(digest);
        yield return new UploadRequest { Commit = new UploadCommit { Size = size, Sha256 = Convert.ToHexStringLower(digest) } };
    }
}
