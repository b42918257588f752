using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Aurae.Cells.V0;
using Aurae.Hosts.V0;
using Auraed.Base;
using Auraed.Supervise;

namespace Auraed.Domain.Cells;

/// <summary>A cell as it is in memory: what its records say, and the processes held.</summary>
internal sealed class CellEntry(Cell spec)
{
    /// <summary>Never changed: what it was allocated with.</summary>
    public Cell Spec { get; } = spec;

    public string Name => Spec.Name;

    public bool IsIsolated => Spec.IsolateProcess || Spec.IsolateNetwork;

    public Namespaces Namespaces => (Spec.IsolateProcess ? Namespaces.Process | Namespaces.Mount | Namespaces.Ipc | Namespaces.HostName : Namespaces.None)
        | (Spec.IsolateNetwork ? Namespaces.Network : Namespaces.None);

    /// <summary>Of an isolated cell; null of others.</summary>
    public SupervisedProcess? Holder { get; set; }

    /// <summary>Of its processes, as far as they were told.</summary>
    public long OutOfMemoryKills { get; set; }

    public ConcurrentDictionary<string, ExecutableEntry> Executables { get; } = new(StringComparer.Ordinal);
}

/// <summary>An executable that has not been stopped.</summary>
internal sealed class ExecutableEntry(CellExecutable record)
{
    /// <summary>As kept; replaced, never changed.</summary>
    public CellExecutable Record { get; set; } = record;

    /// <summary>Null once it has ended.</summary>
    public SupervisedProcess? Process { get; set; }

    /// <summary>Names its log and its cgroup, whatever the executable is called.</summary>
    public string Digest { get; } = DigestOf(record.Cell, record.Name);

    /// <summary>The record's id: speaking where that is unambiguous.</summary>
    public static string IdOf(string cell, string name)
    {
        string id = $"{cell}/{name}";
        bool isPlain = !name.Contains('/') && name[0] != '~' && !name.Any(char.IsControl) && Encoding.UTF8.GetByteCount(id) <= Limits.RecordNameBytesMax;
        return isPlain ? id : $"{cell}/~{DigestOf(cell, name)}";
    }

    private static string DigestOf(string cell, string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{cell}\0{name}")).AsSpan(0, 16));
}
