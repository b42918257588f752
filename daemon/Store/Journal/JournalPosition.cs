using System.Globalization;
using Auraed.Base;

namespace Auraed.Store.Journal;

/// <summary>
/// What the database itself says of its journal, in the row <c>journal</c> of <c>meta</c>: <c>EPOCH:GROUP</c> while a journal goes on behind this
/// state, <c>EPOCH</c> when everything is in the database. It is written in the transaction whose content it names, and with it the mark of
/// <see cref="DatabaseFile.Mark"/> in the file's header.
/// </summary>
/// <param name="Epoch">0 before the first journal.</param>
/// <param name="Group">The last group that this state holds.</param>
/// <param name="IsOpen">True when later groups may be in a journal beside the file.</param>
internal readonly record struct JournalPosition(long Epoch, long Group, bool IsOpen)
{
    public static JournalPosition Read(Connection connection)
    {
        if (connection.QueryTexts("SELECT name FROM sqlite_schema WHERE name = 'meta'").Count == 0
            || connection.QueryTexts("SELECT value FROM meta WHERE key = 'journal'") is not [var value])
        {
            return default;
        }

        var parts = value.Split(':');
        return parts.Length <= 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            && long.TryParse(parts.Length == 2 ? parts[1] : "0", NumberStyles.None, CultureInfo.InvariantCulture, out var group)
            ? new JournalPosition(epoch, group, parts.Length == 2)
            : throw new Fault(FaultKind.Corrupt, $"the database names no journal with '{value}'", hint: "auraed restore of the last backup") { Reason = "JOURNAL_DAMAGED" };
    }

    /// <summary>In the running transaction, and in no unit of work: nobody but the journal asks for it.</summary>
    public void Write(Connection connection)
    {
        var value = IsOpen ? string.Create(CultureInfo.InvariantCulture, $"{Epoch}:{Group}") : Epoch.ToString(CultureInfo.InvariantCulture);
        connection.Execute($"INSERT INTO meta (key, value) VALUES ('journal', '{value}') ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        DatabaseFile.Mark(connection, IsOpen);
    }

    /// <summary>Makes a copy stand alone: it holds one state, and no journal goes on behind it.</summary>
    public static void Detach(Connection copy)
    {
        copy.Execute("UPDATE meta SET value = substr(value, 1, instr(value, ':') - 1) WHERE key = 'journal' AND instr(value, ':') > 0");
        DatabaseFile.Mark(copy, hasJournal: false);
    }
}
