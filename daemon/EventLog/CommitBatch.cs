using Aurae.Events.V0;
using Auraed.Base;

namespace Auraed.EventLog;

/// <summary>Makes messages of whole commits out of pages that end anywhere. Holds back at most a page of an unfinished commit.</summary>
internal sealed class CommitBatch
{
    private readonly List<LogEvent> _held = [];

    /// <summary>The message that this page completes; null when there is nothing to send yet.</summary>
    public WatchEventsResponse? Add(LogPage page)
    {
        _held.AddRange(page.Events);
        if (_held.Count == 0)
        {
            return null;
        }

        if (page.EndsCommit)
        {
            return Take(_held.Count, page.Sequence, isPart: false);
        }

        int whole = _held.FindIndex(held => held.Message.Revision == page.Revision);
        if (whole != 0)
        {
            int count = whole < 0 ? _held.Count : whole;
            return Take(count, _held[count - 1].Message.Sequence, isPart: false);
        }

        return _held.Sum(held => (long)held.Bytes) >= Limits.EventPageBytesMax ? Take(_held.Count, page.Sequence, isPart: true) : null;
    }

    private WatchEventsResponse Take(int count, long sequence, bool isPart)
    {
        var message = new WatchEventsResponse { Sequence = sequence, CommitContinues = isPart };
        message.Events.AddRange(_held.Take(count).Select(held => held.Message));
        _held.RemoveRange(0, count);
        return message;
    }
}
