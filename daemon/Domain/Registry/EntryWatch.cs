using System.Runtime.CompilerServices;
using Aurae.Records.V0;
using Aurae.Registry.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store.Registry;

namespace Auraed.Domain.Registry;

/// <summary>The registry's changes, out of the watch of its records.</summary>
public sealed class EntryWatch(RecordWatch records)
{
    public async IAsyncEnumerable<WatchEntriesResponse> WatchAsync(WatchEntriesRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        string? service = request.Service.Length == 0 ? null : RegistryRequests.Service(request.Service);
        var wanted = new RecordWatchRequest(
            RecordNames.Tenant(request.Tenant), [EntryRows.Table], null, Store.Records.LabelText.None, request.HasAfter ? request.After : null, !request.HasAfter, Limits.WatchProgressIntervalDefault);
        await foreach (WatchRecordsResponse message in records.WatchAsync(wanted, cancel).ConfigureAwait(false))
        {
            if (message.Progress is { } progress)
            {
                yield return new WatchEntriesResponse { Progress = new EntryProgress { Sequence = progress.Sequence, InitialStateSent = progress.InitialStateSent } };
            }
            else if (Change(message.Change) is { } change && (service is null || change.Entry.Service == service))
            {
                yield return new WatchEntriesResponse { Change = change };
            }
        }
    }

    private static EntryChange Change(RecordChange change) => new()
    {
        Kind = change.Kind switch
        {
            ChangeKind.Existing => EntryChangeKind.Existing,
            ChangeKind.Created => EntryChangeKind.Registered,
            ChangeKind.Updated => EntryChangeKind.Changed,
            ChangeKind.Deleted => change.Principal == LeaseLoop.Principal ? EntryChangeKind.Expired : EntryChangeKind.Deregistered,
            _ => EntryChangeKind.Unspecified,
        },
        Entry = RegistryEntry.Parser.ParseFrom(change.Record.Body.Value),
        Sequence = change.Sequence,
        Time = change.Time,
    };
}
