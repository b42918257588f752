using System.Runtime.InteropServices;

namespace Auraed.Tests.Faults;

/// <summary>The file layer of native/faultlayer.c: fails on command and keeps a journal of what was written and synced.</summary>
internal static class FaultLayer
{
    public const string Name = "fault";

    /// <summary>There is one plan and one journal for all, so those who use it run one after the other.</summary>
    public const string Collection = "fault layer";
    public const int Write = 1;
    public const int Sync = 2;
    public const int Truncate = 4;
    public const int Read = 8;

    public static void Install()
    {
        Store.DatabaseFile.CheckEngine();
        Assert.Equal(0, fault_install());
    }

    public static void Plan(int operations, int at, bool persistent, int code, bool isShort) => fault_plan(operations, at, persistent ? 1 : 0, code, isShort ? 1 : 0);

    public static void Clear() => fault_plan(0, 0, 0, 0, 0);

    public static int Hits => fault_hits();

    public static void Journal(string? path) => Assert.Equal(1, fault_journal(path));

    public static void Mark(long number) => fault_mark(number);

    /// <summary>For files that the engine does not write: the code that the operation is to fail with, or 0.</summary>
    public static int Fails(int operation, out bool isShort)
    {
        var code = fault_fails(operation, out var shortened);
        isShort = shortened != 0;
        return code;
    }

    /// <summary>For files that the engine does not write: a record of the layer's journal.</summary>
    public static void Note(JournalKind kind, int file, long value, ReadOnlySpan<byte> data) => fault_note((int)kind, file, value, data.ToArray(), data.Length);

    /// <summary>The options with both file layers in place.</summary>
    public static Store.DatabaseOptions Under(Store.DatabaseOptions options) => options with { FileLayer = Name, JournalFiles = new FaultFiles() };

    [DllImport("faultlayer", ExactSpelling = true)]
    private static extern int fault_install();

    [DllImport("faultlayer", ExactSpelling = true)]
    private static extern void fault_plan(int operations, int at, int persistent, int code, int isShort);

    [DllImport("faultlayer", ExactSpelling = true)]
    private static extern int fault_hits();

    [DllImport("faultlayer", ExactSpelling = true)]
    private static extern int fault_journal([MarshalAs(UnmanagedType.LPUTF8Str)] string? path);

    [DllImport("faultlayer", ExactSpelling = true)]
    private static extern void fault_mark(long number);

    [DllImport("faultlayer", ExactSpelling = true)]
    private static extern int fault_fails(int operation, out int isShort);

    [DllImport("faultlayer", ExactSpelling = true)]
    private static extern void fault_note(int kind, int file, long value, byte[] data, int length);
}

/// <summary>One record of the layer's journal.</summary>
internal sealed record JournalRecord(JournalKind Kind, int File, long Value, byte[] Data)
{
    public static List<JournalRecord> ReadAll(string path)
    {
        var bytes = System.IO.File.ReadAllBytes(path);
        var records = new List<JournalRecord>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = BitConverter.ToInt32(bytes, at + 10);
            records.Add(new JournalRecord((JournalKind)bytes[at], bytes[at + 1], BitConverter.ToInt64(bytes, at + 2), bytes[(at + 14)..(at + 14 + length)]));
            at += 14 + length;
        }

        return records;
    }
}

internal enum JournalKind
{
    Write = 1,
    Truncate = 2,
    Sync = 3,
    Delete = 4,
    Mark = 5,
    Create = 6,
    Rename = 7,
    Remove = 8,
    SyncNames = 9,
}
