using System.Collections.Frozen;

namespace Aurae.Schema;

/// <summary>Every record table of this build.</summary>
public static partial class Tables
{
    /// <summary>Those that are referred to stand before those that refer to them.</summary>
    public static IReadOnlyList<RecordTable> All { get; } = Generated();

    /// <summary>By message: <c>aurae.vms.v0.VirtualMachine</c>.</summary>
    public static FrozenDictionary<string, RecordTable> ByTypeName { get; } = All.ToFrozenDictionary(static t => t.TypeName, StringComparer.Ordinal);

    /// <summary>By table in SQL: <c>virtual_machine</c>.</summary>
    public static FrozenDictionary<string, RecordTable> ByName { get; } = All.ToFrozenDictionary(static t => t.Name, StringComparer.Ordinal);

    // Written by the protoc plugin (migrations/Plugin) from the annotations of the messages.
    private static partial RecordTable[] Generated();
}
