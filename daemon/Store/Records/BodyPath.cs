using Aurae.Schema;

namespace Auraed.Store.Records;

/// <summary>A body's fields may be named with or without "body." before them.</summary>
public static class BodyPath
{
    /// <summary>The path within the body. Where the message has a field of its own called body, "body.x" is the record's body only when the message has an x.</summary>
    public static string[] Strip(RecordTable table, string[] path) =>
        path.Length > 1 && path[0] == "body" && (!IsField(table, "body") || IsField(table, path[1])) ? path[1..] : path;

    public static bool IsField(RecordTable table, string name) => table.Message.FindFieldByName(name) is not null;
}
