using Auraed.Base;

namespace Auraed.Store;

/// <summary>Units that become durable together. One thread at a time has it: the writer's, and then the one that makes it durable.</summary>
internal sealed class WriteGroup
{
    private readonly List<WriteItem> _items = [];

    public int Count => _items.Count;

    /// <summary>Units in it that are to be kept: neither refused nor left by their callers.</summary>
    public int KeptCount { get; private set; }

    /// <summary>The tables that it wrote; once it is closed.</summary>
    public int[] Written { get; private set; } = [];

    /// <summary>The events that it appended; once it is closed.</summary>
    public List<StoredEvent> Events { get; private set; } = [];

    /// <summary>The last event with it; once it is closed.</summary>
    public long Sequence { get; private set; }

    public void Add(WriteItem item) => _items.Add(item);

    /// <summary>The unit added last is to be kept.</summary>
    public void Keep() => KeptCount++;

    /// <summary>No unit joins it any more.</summary>
    public void Close(HashSet<int> written, List<StoredEvent> events, long sequence) => (Written, Events, Sequence) = ([.. written], events, sequence);

    /// <summary>None of it is kept, and all are told so, those too that were refused: what for may be what is not kept. The first such reason stays.</summary>
    public void Fail(Exception failure)
    {
        foreach (var item in _items)
        {
            item.FailWithGroup(failure);
        }
    }

    /// <summary>What the callers learn when a group may or may not be on the disk: exactly that.</summary>
    public static Fault OutcomeUnknown(Fault fault) => new(
        FaultKind.Internal,
        $"{fault.Message}; whether this write is kept is known only after a restart",
        hint: "check the disk, then restart the daemon",
        cause: fault)
    { Reason = "OUTCOME_UNKNOWN" };

    /// <summary>
    /// One pool item answers the whole group, so that this thread goes on with the next at once. What waits for the last goes on in that same item: most
    /// groups of a daemon that is not busy are of one, and each further hand-over would be added to its latency.
    /// </summary>
    public void Answer()
    {
        if (_items.Count > 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(AnswerAll, _items, preferLocal: false);
        }
    }

    /// <summary>Answers all on this thread: its own unit, for which nobody waits yet.</summary>
    public void AnswerHere() => _items.ForEach(item => item.Answer());

    private static void AnswerAll(List<WriteItem> items)
    {
        for (var index = 0; index < items.Count - 1; index++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static item => item.Answer(), items[index], preferLocal: false);
        }

        items[^1].Answer();
    }
}

/// <summary>
/// What everyone learns of a group that is durable, before its callers do. Called in the order of the groups, by one thread at a time. Invariant: answers from
/// memory about the tables of a group stop while it becomes visible.
/// </summary>
internal sealed class GroupNews(TableVersions tables, RecentLog recent, WriterCounts counts, Action<long> committed)
{
    private readonly int _floor = tables.NumberOf("event_floor");
    private readonly int _schema = tables.NumberOf("sqlite_master");

    public WriterCounts Counts => counts;

    /// <param name="group">The group.</param>
    /// <param name="show">Makes it visible, or durable and visible at once. What it throws is the caller's, and then nothing is told.</param>
    public void Tell(WriteGroup group, Action show)
    {
        tables.Begin(group.Written);
        try
        {
            show();
        }
        finally
        {
            tables.End(group.Written);
        }

        counts.Groups++;
        counts.Units += group.KeptCount;
        recent.Add(group.Events);
        if (group.Written.AsSpan().ContainsAny(_floor, _schema))
        {
            // Below a floor that moves events are gone, and with the triggers of the log nothing keeps it as it was appended.
            recent.Clear();
        }

        committed(group.Sequence);
    }
}
