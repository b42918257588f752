using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Domain.Records;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Records;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using ChunkSizes = Auraed.Chunks.ChunkSizes;

namespace Auraed.Domain.Assets;

/// <summary>What an upload of the daemon's own is checked by before it is visible, and what is written in the unit that makes it visible.</summary>
internal sealed record UploadCompanion(Func<StoredContent, string, CancellationToken, Task> CheckAsync, Action<WriteUnit, RecordWriter, Asset> Record);

/// <summary>
/// Uploads, from the first message to the asset. Invariants: an asset becomes visible in one unit of work with its event, after all its chunks are durable and
/// every digest that was expected has been compared; what is durable need not be sent again; memory is bounded whatever is sent.
/// </summary>
internal sealed class Uploads(Database database, RecordStore records, ContentReader reader, AssetIndexes indexes, TimeProvider time) : IDisposable
{
    private readonly TransferPlaces _places = new(new TransferBounds("uploads", "TOO_MANY_UPLOADS", Limits.AssetUploadsCountMax, Limits.AssetUploadsOfTenantMax), time);
    private readonly TransferPlaces _own = new(new TransferBounds("uploads of the daemon's own", "TOO_MANY_UPLOADS", 1, 1), time);
    private readonly CheckCrew _crew = new();

    public async Task<UploadResponse> RunAsync(string principal, IAsyncEnumerator<UploadRequest> steps, UploadCompanion? companion, CancellationToken cancel)
    {
        if (!await steps.MoveNextAsync().ConfigureAwait(false))
        {
            throw Fault.Invalid("header", "the upload has no message; its first is the header");
        }

        UploadPlan plan = AssetRequests.Header(steps.Current);
        using TransferPlace place = (companion is null ? _places : _own).Enter(plan.Tenant, Idle(plan));
        var call = new RecordCall(plan.Tenant, principal) { IsDaemon = companion is not null };
        await using UploadSession session = await OpenAsync(call, plan, cancel).ConfigureAwait(false);
        try
        {
            return await TakeAsync(call, session, steps, place, companion, cancel).ConfigureAwait(false);
        }
        catch (Exception failure) when (plan.Id is null || failure is Fault { Reason: DigestMismatch or ChunkAppend.TooManyChunks })
        {
            // Nobody can go on with it: one without a name, with bytes that are not those that were meant, or in chunks that are too small for it.
            await session.DisposeAsync().ConfigureAwait(false);
            await GiveUpAsync(session.Upload).ConfigureAwait(false);
            throw;
        }
    }

    public Task<GetUploadResponse> GetAsync(string tenant, string id, CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            StoredUpload upload = new UploadRows(unit).Find(tenant, id) ?? throw NotFound(tenant, id);
            StoredContent content = new ContentRows(unit).OfUpload(upload.Number) ?? default;
            ChunkSizes sizes = AssetRequests.Sizes(UploadHeader.Parser.ParseFrom(upload.Header).ChunkSizes);
            return new GetUploadResponse
            {
                DurableSize = content.Size,
                ChunkCount = content.ChunkCount,
                ChunkSizes = new Aurae.Assets.V0.ChunkSizes { Min = (uint)sizes.Min, Avg = (uint)sizes.Average, Max = (uint)sizes.Max },
                UpdateTime = RecordMessages.Time(upload.UpdateTime),
                ExpireTime = RecordMessages.Time(upload.UpdateTime + (Limits.AssetUploadAgeMax.Ticks * 100)),
            };
        },
        cancel);

    public Task CancelAsync(string tenant, string id, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            var rows = new UploadRows(unit);
            return rows.Delete((rows.Find(tenant, id) ?? throw NotFound(tenant, id)).Number);
        },
        cancel);

    public Task<List<uint>> MissingAsync(string tenant, IReadOnlyList<ChunkId> ids, CancellationToken cancel) => database.ReadAsync(
        unit =>
        {
            var missing = new List<uint>();
            for (int index = 0; index < ids.Count; index++)
            {
                if (Held(unit, new HolderRows(unit).Find(tenant), ids[index]) is not { IsSound: true })
                {
                    missing.Add((uint)index);
                }
            }

            return missing;
        },
        cancel);

    public void Dispose() => _crew.Dispose();

    /// <summary>The chunk, when the tenant holds it; another tenant's is as if it were not there. One that is not sound is no help to an upload.</summary>
    internal static StoredChunk? Held(ReadUnit unit, long? holder, ChunkId id)
    {
        Span<byte> bytes = stackalloc byte[ChunkId.Bytes];
        id.CopyTo(bytes);
        return holder is { } number && new ChunkRows(unit).Find(bytes) is { } chunk && new HolderRows(unit).Holds(number, chunk.Number) ? chunk : null;
    }

    internal const string DigestMismatch = "DIGEST_MISMATCH";

    private Task<UploadSession> OpenAsync(RecordCall call, UploadPlan plan, CancellationToken cancel) => database.WriteAsync(
        unit =>
        {
            new RecordWriter(unit, call).RequireWritable();
            var rows = new UploadRows(unit);
            var contents = new ContentRows(unit);
            string id = plan.Id ?? records.Ids.Next();
            if (rows.Find(plan.Tenant, id) is { } known)
            {
                StoredContent content = contents.OfUpload(known.Number)!.Value;
                if (AssetRequests.Sizes(UploadHeader.Parser.ParseFrom(known.Header).ChunkSizes) != plan.Sizes)
                {
                    throw new Fault(FaultKind.Precondition, $"upload '{id}' was begun with other chunk sizes", "header.chunk_sizes", "go on with those that GetUpload answers, or cancel it") { Reason = "UPLOAD_DIFFERS" };
                }

                return content.Size == plan.Offset ? new UploadSession(database, plan, known.Number, content.Holder, content) : throw Misplaced(id, content.Size, plan.Offset);
            }

            if (plan.Offset != 0)
            {
                throw Misplaced(id, 0, plan.Offset);
            }

            long holder = new HolderRows(unit).FindOrAdd(plan.Tenant);
            long upload = rows.Add(plan.Tenant, id, unit.Now, plan.Header);
            return new UploadSession(database, plan, upload, holder, contents.Add(holder, upload));
        },
        cancel);

    private async Task<UploadResponse> TakeAsync(
        RecordCall call, UploadSession session, IAsyncEnumerator<UploadRequest> steps, TransferPlace place, UploadCompanion? companion, CancellationToken cancel)
    {
        using var whole = new WholeDigest();
        using var plain = new PlainIntake(session, whole, database);
        using var cut = new ChunkIntake(session, whole, database, _crew);
        bool isPlain = false;
        bool isCut = false;
        while (await place.NextAsync(steps).ConfigureAwait(false))
        {
            switch (steps.Current.StepCase)
            {
                case UploadRequest.StepOneofCase.Data when !isCut:
                    isPlain = true;
                    await plain.AddAsync(steps.Current.Data.Memory, cancel).ConfigureAwait(false);
                    break;
                case UploadRequest.StepOneofCase.Chunks when !isPlain:
                    isCut = true;
                    await cut.AddAsync(steps.Current.Chunks, CatchUpAsync, cancel).ConfigureAwait(false);
                    PooledFrames.Release(steps.Current.Chunks);
                    break;
                case UploadRequest.StepOneofCase.Commit:
                    await plain.CompleteAsync(cancel).ConfigureAwait(false);
                    return await CommitAsync(call, session, whole, steps.Current.Commit, companion, cancel).ConfigureAwait(false);
                default:
                    throw Fault.Invalid("step", "a message of the upload is neither data nor chunks nor the commit, or data and chunks are mixed");
            }
        }

        // What came is kept for the next call.
        await session.FlushAsync().ConfigureAwait(false);
        throw Fault.Invalid("commit", $"the stream of {session.Plan.Name} ended before its commit", "go on with the upload from the durable_size that GetUpload answers");

        async Task CatchUpAsync(long to)
        {
            await session.FlushAsync().ConfigureAwait(false);
            await reader.InflateAsync(session.Durable, whole.Position, to, session.Plan.Name, whole.Append, cancel).ConfigureAwait(false);
        }
    }

    private async Task<UploadResponse> CommitAsync(RecordCall call, UploadSession session, WholeDigest whole, UploadCommit commit, UploadCompanion? companion, CancellationToken cancel)
    {
        string? wantedId = AssetRequests.Digest(commit.Id, "commit.id");
        string? wantedDigest = AssetRequests.Digest(commit.Sha256, "commit.sha256");
        await session.FlushAsync().ConfigureAwait(false);
        CrashPoint.Reach("upload.durable");
        StoredContent content = session.Durable;
        if (commit.Size != content.Size)
        {
            throw Mismatch("commit.size", $"{session.Plan.Name} has {content.Size} bytes, not {commit.Size}");
        }

        string id = await indexes.IdAsync(content, session.Plan.Sizes, session.Plan.Name, cancel).ConfigureAwait(false);
        if (wantedId is not null && wantedId != id)
        {
            throw Mismatch("commit.id", $"{session.Plan.Name} is asset {id}, not {wantedId}");
        }

        // The id stands for the bytes: whoever has had this asset has had its digest checked.
        string? digest = await database.ReadAsync(unit => AssetFacts.DigestOf(unit, id), cancel).ConfigureAwait(false);
        if (digest is null)
        {
            await reader.InflateAsync(content, whole.Position, content.Size, session.Plan.Name, whole.Append, cancel).ConfigureAwait(false);
            digest = whole.Finish();
        }

        if (wantedDigest is not null && wantedDigest != digest)
        {
            throw Mismatch("commit.sha256", $"{session.Plan.Name} is asset {id}, whose bytes have the SHA-256 {digest}, not {wantedDigest}");
        }

        await (companion?.CheckAsync(content, digest, cancel) ?? Task.CompletedTask).ConfigureAwait(false);
        CrashPoint.Reach("upload.checked");
        UploadResponse response = await database.WriteAsync(unit => Publish(unit, call, session, id, digest, companion), cancel).ConfigureAwait(false);
        CrashPoint.Reach("upload.visible");
        response.NewChunkCount = session.Added.ChunkCount;
        response.NewStoredSize = session.Added.StoredSize;
        return response;
    }

    private static UploadResponse Publish(WriteUnit unit, RecordCall call, UploadSession session, string id, string digest, UploadCompanion? companion)
    {
        UploadPlan plan = session.Plan;
        StoredContent content = session.Durable;
        var contents = new ContentRows(unit);
        if (contents.OfUpload(session.Upload) is not { } now || now.Size != content.Size)
        {
            throw new Fault(FaultKind.Aborted, "the upload was given up, or another call goes on with it", hint: "ask GetUpload how far it is") { Reason = "UPLOAD_MOVED" };
        }

        var writer = new RecordWriter(unit, call);
        StoredRecord? before = writer.Find(AssetTables.Assets, id);
        var asset = before?.Body as Asset ?? new Asset
        {
            Id = id,
            Title = plan.Title,
            MediaType = plan.MediaType,
            Size = content.Size,
            Sha256 = digest,
            ChunkCount = content.ChunkCount,
            ChunkSizeMin = (uint)plan.Sizes.Min,
            ChunkSizeAvg = (uint)plan.Sizes.Average,
            ChunkSizeMax = (uint)plan.Sizes.Max,
            Creator = call.Principal,
        };
        if (before is null)
        {
            _ = writer.Create(new RecordDraft { Table = AssetTables.Assets, Name = id, Body = asset, Labels = plan.Labels });
            contents.Give(content.Number, writer.Find(AssetTables.Assets, id)!.RowId);
        }

        if (plan.Tag is { } tag)
        {
            _ = AssetCatalog.Tag(writer, tag, id);
        }

        companion?.Record(unit, writer, asset);
        _ = new UploadRows(unit).Delete(session.Upload);
        return new UploadResponse { Asset = asset, Existed = before is not null };
    }

    /// <summary>Best done, not needed: the collector gives it up in time.</summary>
    private async Task GiveUpAsync(long upload)
    {
        try
        {
            _ = await database.WriteAsync(unit => new UploadRows(unit).Delete(upload), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Fault)
        {
            // The caller is told what failed first.
        }
    }

    private static Fault Idle(UploadPlan plan) => new(
        FaultKind.Aborted,
        $"nothing came of {plan.Name} for {Limits.TransferIdleMax.TotalSeconds:0} s, and another upload needed its place",
        hint: plan.Id is null ? "upload it again; one with an upload_id could be gone on with" : "go on with the upload from the durable_size that GetUpload answers")
    { Reason = "TRANSFER_IDLE" };

    private static Fault Mismatch(string field, string message) => new(FaultKind.Precondition, message + "; nothing of it is visible", field, "upload it again") { Reason = DigestMismatch };

    private static Fault Misplaced(string id, long durable, long offset) =>
        new(FaultKind.Precondition, $"upload '{id}' has {durable} durable bytes, so it does not go on at {offset}", "header.offset", "go on from the durable_size that GetUpload answers")
        {
            Reason = "UPLOAD_OFFSET",
            Facts = new Dictionary<string, string> { ["durable_size"] = durable.ToString(System.Globalization.CultureInfo.InvariantCulture) },
        };

    private static Fault NotFound(string tenant, string id) =>
        new(FaultKind.NotFound, $"tenant '{tenant}' has no upload '{id}' in progress") { Reason = "UPLOAD_NOT_FOUND" };
}
