using System.Globalization;

namespace Auraed.Store.Assets;

/// <summary>
/// Contents that caches before the origin may still show: one for each publication that ended or moved, until the caches were told. The collector keeps these contents and their
/// chunks though their asset be gone, as nothing else says what the chunks' ids were. A row of meta each:
/// <code>
///     origin_withdrawn:SEQUENCE = CONTENT        sequence of the publication's event, 19 digits; number of the content
/// </code>
/// </summary>
public static class WithdrawalRows
{
    /// <summary>Numbers of the contents that are kept for this.</summary>
    internal const string Contents = "SELECT CAST(value AS INTEGER) FROM meta WHERE key > 'origin_withdrawn:' AND key < 'origin_withdrawn;'";

    private const string Prefix = "origin_withdrawn:";

    /// <summary>Within the unit that withdraws the content, after its event was appended.</summary>
    public static void Note(WriteUnit unit, long content)
    {
        Statement insert = unit.Prepare("INSERT INTO meta (key, value) VALUES (?, ?)");
        insert.Text(0, Key(unit.Events.Sequence));
        insert.Text(1, content.ToString(CultureInfo.InvariantCulture));
        _ = insert.Execute();
    }

    /// <summary>What that event withdrew; null when nothing was noted.</summary>
    public static long? Find(ReadUnit unit, long sequence)
    {
        Statement select = unit.Prepare("SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?");
        select.Text(0, Key(sequence));
        long? content = select.Step() ? select.Integer(0) : null;
        select.Reset();
        return content;
    }

    /// <summary>The caches were told of every event up to this one.</summary>
    public static int Clear(WriteUnit unit, long sequence)
    {
        Statement delete = unit.Prepare("DELETE FROM meta WHERE key > ? AND key <= ?");
        delete.Text(0, Prefix);
        delete.Text(1, Key(sequence));
        return delete.Execute();
    }

    private static string Key(long sequence) => Prefix + sequence.ToString("D19", CultureInfo.InvariantCulture);
}
