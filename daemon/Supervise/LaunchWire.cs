using System.Buffers.Binary;
using System.Text;
using Auraed.Base;

namespace Auraed.Supervise;

/// <summary>
/// What the daemon and its launcher say over their socket. Both are the same binary, the launcher being /proc/self/exe; the version guards against
/// a mix all the same. Little-endian; text is its length in bytes (u32) and UTF-8; a list is its count (u32) and its members; an optional number is
/// 0 (u8), or 1 and the number.
/// <code>
///   daemon   -> launcher   u32 length of what follows
///                          4 bytes "ALSP", u16 version = 2
///                          text program, text its directory (empty = none), list of text arguments, list of text "NAME=VALUE"
///                          text directory, optional u32 user, optional u32 group, u8 0|1 then list of u32 groups
///                          u32 file mask, u8 no new privileges, list of (u32 resource, u64 soft, u64 hard)
///                          text cgroup, u32 namespaces, text host name, u8 join, text output, text error     (empty = none)
///   launcher -> daemon     'P'                                                     prepared, or
///                          'F', u8 step, i32 errno, text what                      failed; the launcher ends
///   daemon   -> launcher   'G'                                                     go; the end of the stream instead: the daemon has gone, do not
///   launcher -> daemon     the end of the stream                                   the program runs, or
///                          'F', ...                                                as above
/// </code>
/// </summary>
internal static class LaunchWire
{
    public const byte Prepared = (byte)'P';
    public const byte Failed = (byte)'F';
    public const byte Go = (byte)'G';
    private const uint Magic = 0x50534C41;
    private const ushort Version = 2;

    /// <summary>The frame with its length.</summary>
    public static byte[] Encode(LaunchSpec spec)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(0u);
        writer.Write(Magic);
        writer.Write(Version);
        Text(writer, spec.Program);
        Text(writer, spec.ProgramDirectory ?? string.Empty);
        Texts(writer, spec.Arguments);
        Texts(writer, [.. spec.Environment.Select(pair => $"{pair.Key}={pair.Value}")]);
        Text(writer, spec.WorkingDirectory);
        Number(writer, spec.UserId);
        Number(writer, spec.GroupId);
        IReadOnlyList<uint>? groups = spec.Groups ?? (spec.UserId is null && spec.GroupId is null ? null : []);
        writer.Write(groups is not null);
        writer.Write(groups?.Count ?? 0);
        foreach (uint group in groups ?? [])
        {
            writer.Write(group);
        }

        writer.Write(spec.FileMask);
        writer.Write(spec.IsWithoutNewPrivileges);
        writer.Write(spec.Bounds.Count);
        foreach (ResourceBound bound in spec.Bounds)
        {
            writer.Write(bound.Resource);
            writer.Write(bound.Soft);
            writer.Write(bound.Hard);
        }

        Text(writer, spec.Cgroup ?? string.Empty);
        writer.Write((int)spec.Namespaces);
        Text(writer, spec.HostName ?? string.Empty);
        writer.Write(spec.NamespacesOf is not null);
        Text(writer, spec.OutputPath ?? string.Empty);
        Text(writer, spec.ErrorPath ?? string.Empty);
        byte[] frame = stream.ToArray();
        if (frame.Length > Limits.LaunchSpecBytesMax)
        {
            throw new Fault(FaultKind.Invalid, $"arguments and environment take {frame.Length} bytes, at most {Limits.LaunchSpecBytesMax}", "environment");
        }

        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - sizeof(int));
        return frame;
    }

    /// <summary>From a frame without its length. Throws <see cref="InvalidDataException"/> or <see cref="EndOfStreamException"/> on anything else.</summary>
    public static LaunchOrder Decode(byte[] frame)
    {
        using var reader = new BinaryReader(new MemoryStream(frame), Encoding.UTF8);
        if (reader.ReadUInt32() != Magic || reader.ReadUInt16() != Version)
        {
            throw new InvalidDataException("not a launch specification of this version");
        }

        var order = new LaunchOrder
        {
            Program = Text(reader),
            ProgramDirectory = Optional(reader),
            Arguments = Texts(reader),
            Environment = Texts(reader),
            Directory = Text(reader),
            UserId = Number(reader),
            GroupId = Number(reader),
            Groups = Groups(reader),
            FileMask = reader.ReadInt32(),
            IsWithoutNewPrivileges = reader.ReadBoolean(),
            Bounds = Bounds(reader),
            Cgroup = Optional(reader),
            Namespaces = (Namespaces)reader.ReadInt32(),
            HostName = Optional(reader),
            IsJoining = reader.ReadBoolean(),
            OutputPath = Optional(reader),
            ErrorPath = Optional(reader),
        };
        return reader.BaseStream.Position == frame.Length ? order : throw new InvalidDataException("something follows the launch specification");
    }

    public static byte[] EncodeFailure(LaunchStep step, int error, string what)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Failed);
        writer.Write((byte)step);
        writer.Write(error);
        Text(writer, what);
        return stream.ToArray();
    }

    /// <summary>From what follows the letter.</summary>
    public static (LaunchStep Step, int Error, string What) DecodeFailure(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        var step = (LaunchStep)reader.ReadByte();
        return Enum.IsDefined(step) ? (step, reader.ReadInt32(), Text(reader)) : throw new InvalidDataException("not a step of a launch");
    }

    private static void Text(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Contains((byte)0))
        {
            throw new Fault(FaultKind.Invalid, "a program, an argument or a variable holds a NUL character", "command");
        }

        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    private static string Text(BinaryReader reader)
    {
        int length = reader.ReadInt32();
        long left = reader.BaseStream.Length - reader.BaseStream.Position;
        return length >= 0 && length <= left ? Encoding.UTF8.GetString(reader.ReadBytes(length)) : throw new InvalidDataException("a text is longer than what holds it");
    }

    private static string? Optional(BinaryReader reader) => Text(reader) is { Length: > 0 } text ? text : null;

    private static void Texts(BinaryWriter writer, IReadOnlyList<string> texts)
    {
        writer.Write(texts.Count);
        foreach (string text in texts)
        {
            Text(writer, text);
        }
    }

    private static string[] Texts(BinaryReader reader)
    {
        var texts = new string[Count(reader, sizeof(int))];
        for (int index = 0; index < texts.Length; index++)
        {
            texts[index] = Text(reader);
        }

        return texts;
    }

    private static void Number(BinaryWriter writer, uint? number)
    {
        writer.Write(number is not null);
        if (number is { } given)
        {
            writer.Write(given);
        }
    }

    private static uint? Number(BinaryReader reader) => reader.ReadBoolean() ? reader.ReadUInt32() : null;

    private static uint[]? Groups(BinaryReader reader)
    {
        bool isGiven = reader.ReadBoolean();
        var groups = new uint[Count(reader, sizeof(uint))];
        for (int index = 0; index < groups.Length; index++)
        {
            groups[index] = reader.ReadUInt32();
        }

        return isGiven ? groups : null;
    }

    private static ResourceBound[] Bounds(BinaryReader reader)
    {
        var bounds = new ResourceBound[Count(reader, sizeof(int) + sizeof(ulong) + sizeof(ulong))];
        for (int index = 0; index < bounds.Length; index++)
        {
            bounds[index] = new ResourceBound(reader.ReadInt32(), reader.ReadUInt64(), reader.ReadUInt64());
        }

        return bounds;
    }

    private static int Count(BinaryReader reader, int memberBytesMin)
    {
        int count = reader.ReadInt32();
        long left = reader.BaseStream.Length - reader.BaseStream.Position;
        return count >= 0 && count <= left / memberBytesMin ? count : throw new InvalidDataException("a list is longer than what holds it");
    }
}

/// <summary>A launch specification as the launcher reads it.</summary>
internal sealed record LaunchOrder
{
    /// <summary>Empty: execute nothing, hold the namespaces.</summary>
    public required string Program { get; init; }

    public string? ProgramDirectory { get; init; }

    public required string[] Arguments { get; init; }

    /// <summary>NAME=VALUE.</summary>
    public required string[] Environment { get; init; }

    public required string Directory { get; init; }

    public uint? UserId { get; init; }

    public uint? GroupId { get; init; }

    public uint[]? Groups { get; init; }

    public int FileMask { get; init; }

    public bool IsWithoutNewPrivileges { get; init; }

    public required ResourceBound[] Bounds { get; init; }

    public string? Cgroup { get; init; }

    public Namespaces Namespaces { get; init; }

    public string? HostName { get; init; }

    public bool IsJoining { get; init; }

    public string? OutputPath { get; init; }

    public string? ErrorPath { get; init; }
}
