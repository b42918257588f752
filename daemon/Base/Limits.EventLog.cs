namespace Auraed.Base;

/// <summary>EventLog.</summary>
public static partial class Limits
{
    /// <summary>Events that are read, and sent, at a time: with their bytes, what one slow watcher costs in memory.</summary>
    public const int EventPageEventsMax = 256;

    /// <summary>Rows that one read looks at for a filter that few of them fit: a few milliseconds of a connection.</summary>
    public const int EventPageRowsMax = 4096;

    /// <summary>A page is ended early at this size. A page and what is held back of the commit before still fit a message.</summary>
    public const int EventPageBytesMax = 1024 * 1024;

    /// <summary>The newest events that all watchers share; a tenth of a second at full load. A power of two.</summary>
    public const int EventTailEventsMax = 4096;

    /// <summary>Their size; with large events fewer of them are kept.</summary>
    public const int EventTailBytesMax = 8 * 1024 * 1024;

    /// <summary>What an event takes beside its payload: names, hash, and the objects that hold them.</summary>
    public const int EventOverheadBytes = 512;

    /// <summary>Kinds of one filter.</summary>
    public const int EventKindsCountMax = 64;

    /// <summary>One kind of a filter; the longest table has a third.</summary>
    public const int EventKindCharactersMax = 128;
}
