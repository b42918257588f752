using System.Text;
using Auraed.Base;
using Auraed.Store.Journal;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Tests.Faults;

/// <summary>The journal's file layer under the same plan, and in the same record, as the engine's (<see cref="FaultLayer"/>).</summary>
internal sealed class FaultFiles : JournalFiles
{
    private readonly Dictionary<string, int> _numbers = [];
    private int _last = 1;

    /// <summary>Takes the segments that are there already into the record, as made and synced before anything else.</summary>
    public void Adopt(string directory)
    {
        foreach (var segment in List(directory))
        {
            _numbers[segment.Path] = ++_last;
            Name(JournalKind.Create, segment.Path, segment.Path);
            FaultLayer.Note(JournalKind.Write, _last, 0, File.ReadAllBytes(segment.Path));
            FaultLayer.Note(JournalKind.Sync, _last, 0, default);
        }

        FaultLayer.Note(JournalKind.SyncNames, 2, 0, default);
    }

    public override SafeFileHandle Create(string path, long bytes)
    {
        Check(FaultLayer.Write, path, out _);
        var file = base.Create(path, bytes);
        _numbers[path] = ++_last;
        Name(JournalKind.Create, path, path);
        FaultLayer.Note(JournalKind.Truncate, _last, bytes, default);
        return file;
    }

    public override void Write(SafeFileHandle file, string path, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            Check(FaultLayer.Write, path, out _);
        }
        catch (Fault)
        {
            // Half of it may have come through.
            Put(file, path, bytes[..(bytes.Length / 2)], offset);
            throw;
        }

        Put(file, path, bytes, offset);
    }

    public override void Sync(SafeFileHandle file, string path)
    {
        Check(FaultLayer.Sync, path, out _);
        base.Sync(file, path);
        FaultLayer.Note(JournalKind.Sync, _numbers[path], 0, default);
    }

    public override void Rename(string from, string to)
    {
        base.Rename(from, to);
        Name(JournalKind.Rename, from, from + "\0" + to);
        _numbers[to] = _numbers[from];
        _ = _numbers.Remove(from);
    }

    public override void Delete(string path)
    {
        var existed = File.Exists(path);
        base.Delete(path);
        if (existed && _numbers.ContainsKey(path))
        {
            Name(JournalKind.Remove, path, path);
            _ = _numbers.Remove(path);
        }
    }

    public override void SyncDirectory(string directory)
    {
        Check(FaultLayer.Sync, directory, out _);
        base.SyncDirectory(directory);
        FaultLayer.Note(JournalKind.SyncNames, 2, 0, default);
    }

    private static void Check(int operation, string path, out bool isShort)
    {
        const int full = 13;
        var code = FaultLayer.Fails(operation, out isShort);
        if (code == full)
        {
            throw DiskFull(null);
        }

        if (code != 0)
        {
            throw new Fault(FaultKind.Internal, $"{path}: the disk failed, as asked ({code})") { Reason = "DISK_FAILED" };
        }
    }

    private void Put(SafeFileHandle file, string path, ReadOnlySpan<byte> bytes, long offset)
    {
        FaultLayer.Note(JournalKind.Write, _numbers[path], offset, bytes);
        base.Write(file, path, bytes, offset);
    }

    private void Name(JournalKind kind, string path, string names) => FaultLayer.Note(kind, _numbers[path], 0, Encoding.UTF8.GetBytes(names));
}
