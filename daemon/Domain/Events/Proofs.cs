using System.Buffers;
using System.Runtime.CompilerServices;
using Aurae.Events.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.EventLog;
using Auraed.Store;
using Auraed.Store.Proof;
using Auraed.Store.Segments;
using Google.Protobuf;
using Checkpoint = Auraed.Store.Proof.Checkpoint;

namespace Auraed.Domain.Events;

/// <summary>Checkpoints and proofs of the event log as the service offers them.</summary>
public sealed class Proofs(Database database, LogKeeper keeper)
{
    private const int CheckpointsListedCountDefault = 100;

    public async Task<Aurae.Events.V0.Checkpoint> CheckpointAsync(GetCheckpointRequest request, CancellationToken cancel) =>
        ToMessage(await keeper.CheckpointAsync(request.Fresh, cancel).ConfigureAwait(false) ?? throw Fault.NotFound("there is no event yet, and so no checkpoint"));

    public async Task<ListCheckpointsResponse> ListAsync(ListCheckpointsRequest request, CancellationToken cancel)
    {
        long below = AtLeast(request.BelowSize, "below_size", 0) is var size && size > 0 ? size : long.MaxValue;
        long wanted = AtLeast(request.Limit, "limit", 0) is var limit && limit > 0 ? limit : CheckpointsListedCountDefault;
        List<Checkpoint> found = await database.ReadAsync(
            unit => CheckpointRows.Below(unit.Prepare, below, (int)Math.Min(wanted, Limits.CheckpointsListedCountMax)), cancel).ConfigureAwait(false);
        return new ListCheckpointsResponse { Checkpoints = { found.Select(ToMessage) } };
    }

    public async Task<InclusionProof> InclusionAsync(GetInclusionProofRequest request, CancellationToken cancel)
    {
        long sequence = AtLeast(request.Sequence, "sequence", 1);
        long size = await SizeAsync(AtLeast(request.Size, "size", 0), sequence, cancel).ConfigureAwait(false);
        if (size < sequence)
        {
            throw Fault.Invalid("size", $"the tree of {size} events does not hold event {sequence}");
        }

        return await database.ReadAsync(
            unit =>
            {
                EventsPage page = EventsPage.Read(unit, new EventRange(Math.Max(sequence - 1, 1), sequence, false, 2), (_, _, _) => true);
                LogFloor floor = FloorRow.Read(unit.Prepare);
                if (sequence <= floor.Sequence)
                {
                    throw EventTail.BelowFloor("sequence", sequence, floor.Sequence + 1);
                }

                byte[] previous = sequence == floor.Sequence + 1 ? floor.Hash : page.Events[^2].Hash;
                var proof = new InclusionProof
                {
                    Event = new LogEvent(page.Events[^1]).Message,
                    PreviousHash = UnsafeByteOperations.UnsafeWrap(previous),
                    Size = size,
                    Checkpoint = CheckpointRows.OfSize(unit.Prepare, size) is { } signed ? ToMessage(signed) : null,
                };
                proof.Hashes.AddRange(new TreeNodes(unit.Prepare).Tree.InclusionPath(sequence - 1, size).Select(hash => UnsafeByteOperations.UnsafeWrap(hash)));
                return proof;
            },
            cancel).ConfigureAwait(false);
    }

    public async Task<ConsistencyProof> ConsistencyAsync(GetConsistencyProofRequest request, CancellationToken cancel)
    {
        long first = AtLeast(request.FirstSize, "first_size", 1);
        long second = await SizeAsync(AtLeast(request.SecondSize, "second_size", 0), first, cancel).ConfigureAwait(false);
        if (second < first)
        {
            throw Fault.Invalid("second_size", $"second_size {second} is less than first_size {first}");
        }

        return await database.ReadAsync(
            unit =>
            {
                MerkleTree tree = new TreeNodes(unit.Prepare).Tree;
                var proof = new ConsistencyProof
                {
                    FirstSize = first,
                    SecondSize = second,
                    FirstRoot = UnsafeByteOperations.UnsafeWrap(tree.Root(first)),
                    SecondRoot = UnsafeByteOperations.UnsafeWrap(tree.Root(second)),
                    Checkpoint = CheckpointRows.OfSize(unit.Prepare, second) is { } signed ? ToMessage(signed) : null,
                };
                proof.Hashes.AddRange(tree.ConsistencyPath(first, second).Select(hash => UnsafeByteOperations.UnsafeWrap(hash)));
                return proof;
            },
            cancel).ConfigureAwait(false);
    }

    /// <summary>The segment, part by part; each part is read on a snapshot of its own as the one before is taken.</summary>
    public async IAsyncEnumerable<ExportEventsResponse> ExportAsync(ExportEventsRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        long last = AtLeast(request.ToSequence, "to_sequence", 0) is var to && to > 0 ? to : database.Durable;
        long first = AtLeast(request.FromSequence, "from_sequence", 0);
        if (last == 0)
        {
            throw Fault.NotFound("the log is empty");
        }

        if (first > last)
        {
            throw Fault.Invalid("to_sequence", $"the range ends with {last}, before it begins with {first}");
        }

        Checkpoint checkpoint = await keeper.CoveringAsync(last, cancel).ConfigureAwait(false);
        first = first > 0 ? first : (await database.ReadAsync(unit => FloorRow.Read(unit.Prepare), cancel).ConfigureAwait(false)).Sequence + 1;
        var writer = new SegmentWriter(first, last, checkpoint);
        var output = new ArrayBufferWriter<byte>(Limits.SegmentPartBytes);
        bool isLeft = await database.ReadAsync(unit => Header(unit.Prepare), cancel).ConfigureAwait(false);
        while (isLeft)
        {
            // A copy: the message is still being sent when the next part is written.
            yield return new ExportEventsResponse { Data = ByteString.CopyFrom(output.WrittenSpan), Done = writer.Done, Total = last - first + 1 };
            output.ResetWrittenCount();
            isLeft = await database.ReadAsync(unit => writer.WritePart(unit.Prepare, output), cancel).ConfigureAwait(false);
        }

        bool Header(Func<string, Statement> prepare)
        {
            writer.WriteHeader(prepare, output);
            return true;
        }
    }

    internal static Aurae.Events.V0.Checkpoint ToMessage(Checkpoint checkpoint) => new()
    {
        Note = UnsafeByteOperations.UnsafeWrap(checkpoint.Note),
        Origin = checkpoint.Origin,
        Size = checkpoint.Size,
        Root = UnsafeByteOperations.UnsafeWrap(checkpoint.Root),
        Time = RecordMessages.Time(checkpoint.Time),
    };

    /// <summary>The size that is asked for; for 0 that of the newest checkpoint, when need be a fresh one, that holds the event.</summary>
    private async Task<long> SizeAsync(long size, long sequence, CancellationToken cancel)
    {
        if (size > database.Durable)
        {
            throw new Fault(FaultKind.OutOfRange, $"a tree of {size} events lies in the future: the last event is {database.Durable}") { Reason = "EVENT_IN_FUTURE" };
        }

        if (size > 0)
        {
            return size;
        }

        Checkpoint? newest = await keeper.CheckpointAsync(isFresh: false, cancel).ConfigureAwait(false);
        return newest?.Size >= sequence ? newest.Size : (await keeper.CoveringAsync(sequence, cancel).ConfigureAwait(false)).Size;
    }

    private static long AtLeast(long value, string field, long least) => value >= least ? value : throw Fault.Invalid(field, $"{field} is less than {least}");
}
