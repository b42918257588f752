using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using Auraed.Base;
using Auraed.Native;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Supervise;

/// <summary>A line of a process' output, without its newline; one that is longer than LogLineBytesMax is told in parts.</summary>
/// <param name="Offset">Where it begins in its log.</param>
/// <param name="Next">Where the next one begins: what a reader goes on from.</param>
/// <param name="Time">When it was written, to the second.</param>
/// <param name="Text">Bytes that are not UTF-8 are replaced.</param>
public readonly record struct LogLine(long Offset, long Next, DateTimeOffset Time, string Text);

/// <summary>The logs of all processes, files in one directory. One watch serves them all; idle, it costs nothing.</summary>
public sealed class ProcessLogs : IDisposable
{
    private readonly ConcurrentDictionary<string, ProcessLog> _logs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, ProcessLog> _watched = new();
    private readonly DescriptorWatch _watch = new();
    private readonly FileWatch _files = new();
    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly long _bytesMax;

    public ProcessLogs(string directory, TimeProvider time, long bytesMax = Limits.LogBytesMax)
    {
        _directory = directory;
        _time = time;
        _bytesMax = bytesMax;
        _ = Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _ = _watch.Watch(_files.Descriptor, OnWritten);
    }

    /// <summary>Names of the logs that exist on the disk.</summary>
    public IEnumerable<string> Names => Directory.EnumerateFiles(_directory, "*.log").Select(path => Path.GetFileNameWithoutExtension(path));

    /// <summary>The log of that name, made if missing. Names are of letters, digits, '-', '_' and '.'. Fault(Unavailable) when the disk or the kernel refuses.</summary>
    public ProcessLog Open(string name) => _logs.GetOrAdd(name, _ =>
    {
        if (name.Length == 0 || name[0] == '.' || name.AsSpan().IndexOfAnyExcept(NameCharacters) >= 0)
        {
            throw new ArgumentException($"'{name}' is no name of a log", nameof(name));
        }

        string path = Path.Combine(_directory, name + ".log");
        try
        {
            var log = new ProcessLog(path, _time, _bytesMax);
            _watched[_files.Add(log.Path)] = log;
            return log;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Unavailable, $"the log {path} cannot be opened: {failure.Message}", hint: $"df {_directory}", cause: failure) { Reason = "LOG_NOT_OPENED" };
        }
    });

    /// <summary>Removes the log and what it holds; a process that still writes to it writes to nobody.</summary>
    public void Remove(string name)
    {
        if (_logs.TryRemove(name, out ProcessLog? log))
        {
            foreach ((int number, _) in _watched.Where(pair => pair.Value == log))
            {
                _files.Remove(number);
                _ = _watched.TryRemove(number, out _);
            }
        }

        File.Delete(Path.Combine(_directory, name + ".log"));
        File.Delete(Path.Combine(_directory, name + ".times"));
    }

    /// <summary>
    /// The lines from <paramref name="offset"/> on, or from the first that is kept. With <paramref name="isFollowing"/> it goes on with what is written
    /// later until it is cancelled or <paramref name="ended"/> completes, after which it tells what is left. A last line without a newline is told at the end.
    /// </summary>
    public async IAsyncEnumerable<LogLine> ReadAsync(ProcessLog log, long offset, bool isFollowing, Task? ended, [EnumeratorCancellation] CancellationToken cancel)
    {
        using SafeFileHandle file = log.Open();
        long end = RandomAccess.GetLength(file);
        long first = FileHoles.FirstData(file, end);
        // A hole ends within a line, whose rest is no line.
        bool isInLine = first > offset && first > 0;
        offset = Math.Max(offset, first);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Limits.LogLineBytesMax);
        try
        {
            while (true)
            {
                Task grown = log.Grown;
                bool isEnded = !isFollowing || ended is { IsCompleted: true };
                int count;
                while ((count = RandomAccess.Read(file, buffer.AsSpan(0, Limits.LogLineBytesMax), offset)) > 0)
                {
                    int used = 0;
                    foreach (LogLine line in Lines(log, buffer.AsMemory(0, count), offset, isEnded))
                    {
                        used = (int)(line.Next - offset);
                        if (!isInLine)
                        {
                            yield return line;
                        }

                        isInLine = false;
                    }

                    offset += used;
                    if (used == 0)
                    {
                        break;
                    }
                }

                if (isEnded)
                {
                    yield break;
                }

                if (RandomAccess.GetLength(file) < offset)
                {
                    offset = 0;
                }

                await (ended is null ? grown.WaitAsync(cancel) : Task.WhenAny(grown, ended).WaitAsync(cancel)).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Where the last <paramref name="count"/> lines begin.</summary>
    public static long OffsetOfLast(ProcessLog log, int count)
    {
        using SafeFileHandle file = log.Open();
        long end = RandomAccess.GetLength(file);
        long first = FileHoles.FirstData(file, end);
        var buffer = new byte[Limits.LogLineBytesMax];
        for (long at = end; count > 0 && at > first;)
        {
            long from = Math.Max(first, at - buffer.Length);
            int read = RandomAccess.Read(file, buffer.AsSpan(0, (int)(at - from)), from);
            for (int index = read - 1; index >= 0; index--)
            {
                // A newline at the very end ends the last line and begins none.
                if (buffer[index] == '\n' && from + index + 1 < end && --count == 0)
                {
                    return from + index + 1;
                }
            }

            at = from;
        }

        return count == 0 ? end : first;
    }

    public void Dispose()
    {
        _watch.Forget(_files.Descriptor);
        _watch.Dispose();
        _files.Dispose();
    }

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    private static IEnumerable<LogLine> Lines(ProcessLog log, ReadOnlyMemory<byte> bytes, long offset, bool isLast)
    {
        int start = 0;
        while (start < bytes.Length)
        {
            int length = bytes.Span[start..].IndexOf((byte)'\n');
            bool isWhole = length >= 0;
            bool isTooLong = start == 0 && bytes.Length == Limits.LogLineBytesMax;
            if (!isWhole && !isTooLong && !(isLast && bytes.Length < Limits.LogLineBytesMax))
            {
                yield break;
            }

            length = isWhole ? length : bytes.Length - start;
            int next = start + length + (isWhole ? 1 : 0);
            yield return new LogLine(offset + start, offset + next, log.TimeAt(offset + start), Encoding.UTF8.GetString(bytes.Span.Slice(start, length)).TrimEnd('\r'));
            start = next;
        }
    }

    private void OnWritten()
    {
        foreach (int number in _files.Read())
        {
            if (_watched.TryGetValue(number, out ProcessLog? log))
            {
                log.Note();
            }
            else if (number == FileWatch.Overflow)
            {
                // The kernel had no room to say which.
                foreach (ProcessLog any in _watched.Values)
                {
                    any.Note();
                }
            }
        }

        _ = _watch.Watch(_files.Descriptor, OnWritten);
    }
}
