using Auraed.Base;
using SQLitePCL;

namespace Auraed.Store;

/// <summary>How what was acknowledged is kept.</summary>
public enum Durability
{
    /// <summary>Each group is a COMMIT that is synced into the engine's write-ahead log.</summary>
    Wal,
    /// <summary>Each group is a record that is synced into the journal; the COMMIT follows later.</summary>
    Journal,
}

/// <summary>
/// What makes a group of units durable. Called by who has the writer's turn alone, in this order: Begin, units (each with a mark that it can be taken back
/// to), then Seal, Empty or Abandon, or Abandon and Empty when the engine has taken it all back already; between groups the others.
/// </summary>
internal interface IGroupLog
{
    /// <summary>How long the writer may sleep for want of work.</summary>
    TimeSpan WaitMax { get; }

    /// <summary>True when nothing may be written any more, as nobody knows what the disk kept.</summary>
    bool IsBroken { get; }

    /// <summary>What was refused beside the writer, since when nothing more may be acknowledged; null while all is well.</summary>
    Fault? Failure { get; }

    /// <summary>True while the group before is on its way to the disk: the next one cannot follow yet, and may grow.</summary>
    bool IsSealing { get; }

    /// <summary>True when <see cref="AfterGroup"/> has something to do that takes time.</summary>
    bool IsWorkDue { get; }

    /// <summary>Units after which a group is sealed as soon as it can be, although more wait.</summary>
    int GroupCountWanted { get; }

    /// <summary>True while commits are so large that they want more of the page cache.</summary>
    bool IsWide { get; }

    /// <summary>Opens the transaction that the group runs in. Fault: the group cannot begin; the next one may try unless <see cref="IsBroken"/>.</summary>
    /// <returns>False when an earlier group was taken back since, and with it what its units left in memory.</returns>
    bool Begin();

    /// <summary>While the group before is on its way: some of what has to be written some time or other. False when there is nothing of that kind.</summary>
    bool WriteAhead();

    /// <summary>What has been changed in this group so far.</summary>
    int Mark();

    /// <summary>The units since this mark were rolled back.</summary>
    void Undo(int mark);

    /// <summary>
    /// Makes the group durable and visible to the next reader. Fault: it is not, and the transaction is to be abandoned; when the fault is not one of
    /// want of space, nobody knows what the disk kept.
    /// </summary>
    /// <param name="group">The group, closed.</param>
    /// <param name="isAlone">Nobody else is expected to write meanwhile, so that it is best done at once.</param>
    /// <returns>True when it is, and everyone has been told but its callers; false when that follows, on another thread, with their answers.</returns>
    bool Seal(WriteGroup group, bool isAlone);

    /// <summary>Nothing of the group is to be kept, and nothing of it is there. Returns when its callers may be told so: what they were refused for is durable.</summary>
    void Empty(WriteGroup group);

    /// <summary>Takes back whatever of the group there is.</summary>
    void Abandon();

    /// <summary>After a group was answered.</summary>
    /// <param name="hadBulk">A part of a large ingest was in it.</param>
    void AfterGroup(bool hadBulk);

    /// <summary>When nobody has come for a while.</summary>
    void WhenIdle();

    /// <summary>Everything into the file, as far as readers let it.</summary>
    void Fold();

    /// <summary>Everything into the database, so that nothing but it is needed; the last call.</summary>
    void Close();

    /// <summary>Nothing is written any more, because of this fault.</summary>
    void Fail(Fault fault);
}

/// <summary>The engine's own log: one COMMIT, synced, per group.</summary>
internal sealed class WalGroups(Connection connection, Checkpointer checkpointer, GroupNews news) : IGroupLog
{
    public TimeSpan WaitMax => Limits.StoreIdleMax;

    public bool IsBroken => false;

    public Fault? Failure => checkpointer.Failure;

    public bool IsSealing => false;

    public bool IsWorkDue => checkpointer.IsDue;

    public int GroupCountWanted => Limits.StoreGroupCountMax;

    public bool IsWide => false;

    public bool Begin()
    {
        connection.BeginWrite();
        return true;
    }

    public bool WriteAhead() => false;

    public int Mark() => 0;

    public void Undo(int mark)
    {
    }

    public bool Seal(WriteGroup group, bool isAlone)
    {
        news.Tell(group, connection.Commit);
        return true;
    }

    public void Empty(WriteGroup group) => Abandon();

    public void Abandon()
    {
        if (!connection.IsIdle)
        {
            _ = connection.Prepare("ROLLBACK").Execute();
        }

        connection.EndUnit();
    }

    public void AfterGroup(bool hadBulk) => checkpointer.AfterCommit(hadBulk);

    public void WhenIdle() => checkpointer.WhenIdle();

    public void Fold() => checkpointer.Fold();

    public void Close()
    {
    }

    public void Fail(Fault fault)
    {
    }
}
