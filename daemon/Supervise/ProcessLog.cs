using System.Buffers.Binary;
using Auraed.Base;
using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Supervise;

/// <summary>
/// One stream of a process' output: a file that the process itself appends to, so that neither a restart nor a crash of the daemon loses a line, and
/// beside it the times at which the daemon saw it grow.
/// <code>
///   NAME.log     what was written; once it holds more than LogBytesMax, its beginning becomes a hole: offsets never move, space is given back
///   NAME.times   entries of 16 bytes: i64 nanoseconds since 1970 UTC, i64 offset: all before the offset was written by then. Little-endian,
///                both ever growing; at most one a second, and a half is dropped at LogTimesCountMax. A torn last entry is dropped.
/// </code>
/// On a file system without holes the file is emptied instead, and starts again at offset 0.
/// </summary>
public sealed class ProcessLog
{
    private const int EntryBytes = 16;
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly List<(long Nanoseconds, long Offset)> _times = [];
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal ProcessLog(string path, TimeProvider time, long bytesMax)
    {
        Path = path;
        _time = time;
        BytesMax = bytesMax;
        using (new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
        }

        ReadTimes();
        Note();
    }

    public string Path { get; }

    /// <summary>Once past it, the older half of what fits goes.</summary>
    public long BytesMax { get; set; }

    /// <summary>Completes once more has been written than when it was asked for.</summary>
    public Task Grown
    {
        get
        {
            lock (_lock)
                return _grown.Task;
        }
    }

    private string TimesPath => System.IO.Path.ChangeExtension(Path, ".times");

    /// <summary>The offset after the last byte.</summary>
    public long End => new FileInfo(Path).Length;

    /// <summary>Where what was written since then begins, to the second; lines just before it may be told, too.</summary>
    public long OffsetAt(DateTimeOffset since)
    {
        long nanoseconds = Nanoseconds(since);
        lock (_lock)
        {
            int index = _times.FindLastIndex(entry => entry.Nanoseconds < nanoseconds);
            return index < 0 ? 0 : _times[index].Offset;
        }
    }

    /// <summary>When what stands at the offset was written, to the second and for all that the daemon has seen.</summary>
    public DateTimeOffset TimeAt(long offset)
    {
        lock (_lock)
        {
            int index = _times.FindIndex(entry => entry.Offset > offset);
            return index < 0 ? _time.GetUtcNow() : DateTimeOffset.UnixEpoch.AddTicks(_times[index].Nanoseconds / 100);
        }
    }

    /// <summary>Opened for reading; the caller disposes it.</summary>
    internal SafeFileHandle Open() => DurableFiles.OpenUnlocked(Path);

    /// <summary>
    /// Looks at the file after it was written to: keeps the time, drops what is too much, wakes who follows. What the disk refuses is left for the next look: it runs where
    /// nobody would catch, and the process writes on.
    /// </summary>
    internal void Note()
    {
        lock (_lock)
        {
            TryKeep(KeepTime);
            TryKeep(KeepBound);
            TaskCompletionSource grown = _grown;
            _grown = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _ = grown.TrySetResult();
        }
    }

    private static void TryKeep(Action keep)
    {
        try
        {
            keep();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The log is gone, or the disk is full: times are a convenience, and a bound is kept by the next look.
        }
    }

    private void KeepTime()
    {
        long end = End;
        long now = Nanoseconds(_time.GetUtcNow());
        (long lastTime, long lastOffset) = _times.Count > 0 ? _times[^1] : (0, 0);
        if (end < lastOffset)
        {
            _times.Clear();
        }

        if (end != lastOffset && now - lastTime >= TimeSpan.NanosecondsPerTick * TimeSpan.TicksPerSecond)
        {
            AddTime(now, end);
        }
    }

    private void KeepBound()
    {
        long end = End;
        if (end > BytesMax)
        {
            Shorten(end);
        }
    }

    private static long Nanoseconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks * 100;

    private void Shorten(long end)
    {
        using SafeFileHandle file = File.OpenHandle(Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        long first = FileHoles.FirstData(file, end);
        if (end - first > BytesMax && !FileHoles.TryPunch(file, 0, end - (BytesMax / 2)))
        {
            RandomAccess.SetLength(file, 0);
            _times.Clear();
            WriteTimes();
        }
    }

    private void AddTime(long now, long offset)
    {
        _times.Add((now, offset));
        if (_times.Count > Limits.LogTimesCountMax)
        {
            _times.RemoveRange(0, _times.Count / 2);
            WriteTimes();
            return;
        }

        Span<byte> entry = stackalloc byte[EntryBytes];
        Put(entry, _times[^1]);
        using SafeFileHandle file = File.OpenHandle(TimesPath, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, entry, (_times.Count - 1) * (long)EntryBytes);
    }

    private void WriteTimes()
    {
        var bytes = new byte[_times.Count * EntryBytes];
        for (int index = 0; index < _times.Count; index++)
        {
            Put(bytes.AsSpan(index * EntryBytes), _times[index]);
        }

        File.WriteAllBytes(TimesPath, bytes);
    }

    private void ReadTimes()
    {
        if (!File.Exists(TimesPath))
        {
            return;
        }

        byte[] bytes = File.ReadAllBytes(TimesPath);
        long end = End;
        for (int offset = 0; offset + EntryBytes <= bytes.Length && _times.Count < Limits.LogTimesCountMax; offset += EntryBytes)
        {
            (long Nanoseconds, long Offset) entry = (BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(offset)), BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(offset + 8)));
            (long lastTime, long lastOffset) = _times.Count > 0 ? _times[^1] : (0, 0);
            if (entry.Nanoseconds < lastTime || entry.Offset < lastOffset || entry.Offset > end)
            {
                // Written by a power cut, or beside another file: times are a convenience and start anew.
                break;
            }

            _times.Add(entry);
        }
    }

    private static void Put(Span<byte> bytes, (long Nanoseconds, long Offset) entry)
    {
        BinaryPrimitives.WriteInt64LittleEndian(bytes, entry.Nanoseconds);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], entry.Offset);
    }
}
