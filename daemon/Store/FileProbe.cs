using Auraed.Base;

namespace Auraed.Store;

/// <summary>
/// Looks at aurae.db before the engine does, and says what is wrong in words of its own: each case has its <see cref="Fault.Reason"/>.
/// Reads only.
/// </summary>
internal static class FileProbe
{
    /// <summary>Passes when the engine may open the file; its own errors can still follow.</summary>
    public static void Check(string path, StoreKey key, string keyPath)
    {
        long bytes;
        bool plain;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            bytes = file.Length;
            Span<byte> start = stackalloc byte[16];
            plain = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual("SQLite format 3\0"u8);
        }
        catch (Exception refused) when (refused is UnauthorizedAccessException or IOException)
        {
            throw new Fault(FaultKind.Precondition, $"{path} cannot be read: {refused.Message}", hint: $"check the owner and mode of {path}", cause: refused) { Reason = "CANNOT_OPEN" };
        }

        if (plain)
        {
            throw new Fault(FaultKind.Precondition, $"{path} is a plain SQLite file, not the daemon's encrypted one", hint: "point --library-dir at the daemon's own directory") { Reason = "FOREIGN_FILE" };
        }

        // Beside a log the last page may be half written: the log has it whole.
        if (bytes < DatabaseFile.PageBytes || (bytes % DatabaseFile.PageBytes != 0 && !HasLog(path)))
        {
            throw new Fault(FaultKind.Corrupt, $"{path} has {bytes} bytes, which is no whole number of pages: it was cut short or is no database", hint: "auraed restore of the last backup") { Reason = "FILE_TRUNCATED" };
        }

        // A log beside the file may hold the good copy of a page that a crash tore; then the engine decides.
        if (HasLog(path))
        {
            return;
        }

        Explain(path, key, keyPath);
    }

    /// <summary>Throws the reason why a key does not open the file, if the pages tell one.</summary>
    public static void Explain(string path, StoreKey key, string keyPath)
    {
        switch (PageSeal.Judge(path, key))
        {
            case SealVerdict.Whole:
                return;
            case SealVerdict.FirstPageDamaged:
                throw new Fault(FaultKind.Corrupt, $"the first page of {path} is damaged (others carry this key's seal)", hint: "auraed restore of the last backup") { Reason = "DATABASE_DAMAGED" };
            case SealVerdict.NoPage:
                throw WrongKey(path, key, keyPath);
        }
    }

    private static Fault WrongKey(string path, StoreKey key, string keyPath)
    {
        var told = "";
        var hint = "put the server.key back that the database was made with";
        if (RekeyRecord.Read(Path.GetDirectoryName(path)!) is { } record)
        {
            var isNew = record.NewIdentity == key.Identity;
            told = isNew ? $"; a change from the key {record.OldIdentity} to this one was begun and did not come to its end" : $"; it was re-keyed to the key {record.NewIdentity} ({record.NewKeyPath})";
            hint = isNew ? "use the old server.key" : $"use {record.NewKeyPath} as the server's key";
        }

        return new Fault(FaultKind.Precondition, $"no page of {path} carries the seal of the key {key.Identity} in {keyPath}: it is another key's, or no file of ours{told}", hint: hint) { Reason = "WRONG_KEY" };
    }

    private static bool HasLog(string path)
    {
        var log = new FileInfo(path + "-wal");
        return log.Exists && log.Length > 0;
    }
}
