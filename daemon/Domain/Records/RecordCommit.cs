using Aurae.Records.V0;
using Auraed.Base;
using Auraed.Domain.Events;

namespace Auraed.Domain.Records;

/// <summary>Conditions, what to do when they hold, and what to do when one does not.</summary>
public sealed record RecordCommit(IReadOnlyList<RecordCondition> Conditions, IReadOnlyList<RecordOperation> Operations, IReadOnlyList<RecordOperation> Otherwise)
{
    /// <summary>The cursors whose events it may settle.</summary>
    internal IEnumerable<LeasedEvents> Acknowledged => Operations.Concat(Otherwise).OfType<CursorAcknowledge>().Select(operation => operation.Events);

    /// <summary>A fault of an operation names it by its place: <c>operations[2].record.body.machine</c>.</summary>
    internal CommitResponse Apply(RecordWriter writer)
    {
        int failed = FirstFailed(writer);
        if (failed >= 0 && Otherwise.Count == 0)
        {
            throw new Fault(FaultKind.Precondition, $"preconditions[{failed}] does not hold: {Conditions[failed].Said}", $"preconditions[{failed}]") { Reason = "PRECONDITION_FAILED" };
        }

        var response = new CommitResponse { Succeeded = failed < 0 };
        if (failed >= 0)
        {
            response.FailedPrecondition = failed;
        }

        long bytes = 0;
        IReadOnlyList<RecordOperation> branch = failed < 0 ? Operations : Otherwise;
        for (int index = 0; index < branch.Count; index++)
        {
            try
            {
                OperationResult result = writer.Apply(branch[index]);
                bytes += result.Record?.Body.Value.Length ?? 0;
                response.Results.Add(result);
            }
            catch (Fault fault)
            {
                throw Placed(fault, failed < 0 ? "operations" : "otherwise", index);
            }
        }

        response.Revision = writer.Revision;
        return bytes <= Limits.MessageBytesMax - (64 * 1024)
            ? response
            : throw new Fault(FaultKind.Exhausted, "the answer would not fit a message", "operations", "split the commit") { Reason = "ANSWER_TOO_LARGE" };
    }

    internal static Fault Placed(Fault fault, string branch, int index) =>
        new(fault.Kind, $"{branch}[{index}]: {fault.Message}", fault.Field is null ? $"{branch}[{index}]" : $"{branch}[{index}].{fault.Field}", fault.Hint, fault)
        {
            Reason = fault.Reason,
            RetryAfter = fault.RetryAfter,
            Facts = fault.Facts,
        };

    private int FirstFailed(RecordWriter writer)
    {
        for (int index = 0; index < Conditions.Count; index++)
        {
            if (!writer.Holds(Conditions[index], $"preconditions[{index}]"))
            {
                return index;
            }
        }

        return -1;
    }
}
