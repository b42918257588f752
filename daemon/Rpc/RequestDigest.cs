using Aurae.Events.V0;
using Aurae.Records.V0;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace Auraed.Rpc;

/// <summary>One form for all requests that say the same.</summary>
internal static class RequestDigest
{
    /// <summary>A copy without the request id and with sorted labels.</summary>
    public static IMessage Canonical(IMessage request)
    {
        switch (request)
        {
            case CreateRecordRequest create:
                create = create.Clone();
                create.RequestId = string.Empty;
                Sort(create.Record);
                return create;
            case UpdateRecordRequest update:
                update = update.Clone();
                update.RequestId = string.Empty;
                Sort(update.Record);
                return update;
            case DeleteRecordRequest delete:
                delete = delete.Clone();
                delete.RequestId = string.Empty;
                return delete;
            case CommitRequest commit:
                commit = commit.Clone();
                commit.RequestId = string.Empty;
                foreach (Operation operation in commit.Operations.Concat(commit.Otherwise))
                {
                    Sort(operation.Create?.Record ?? operation.Update?.Record);
                }

                return commit;
            case AppendEventsRequest append:
                append = append.Clone();
                append.RequestId = string.Empty;
                return append;
            default:
                throw new ArgumentException($"a request of type {request.Descriptor.FullName} bears no id", nameof(request));
        }
    }

    private static void Sort(Record? record)
    {
        if (record is not { Labels.Count: > 1 })
        {
            return;
        }

        MapField<string, string> sorted = [];
        foreach (var pair in record.Labels.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            sorted.Add(pair.Key, pair.Value);
        }

        record.Labels.Clear();
        record.Labels.Add(sorted);
    }
}
