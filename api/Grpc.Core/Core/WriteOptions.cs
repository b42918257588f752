namespace Grpc.Core;

/// <summary>How one message is written.</summary>
[Flags]
public enum WriteFlags
{
    /// <summary>The message may stay in the buffer until more follows or the call ends.</summary>
    BufferHint = 0x1,

    /// <summary>The message travels uncompressed even when the call has an encoding.</summary>
    NoCompress = 0x2,
}

/// <summary>Options for the writes that follow on a stream.</summary>
public class WriteOptions(WriteFlags flags = default)
{
    public static readonly WriteOptions Default = new();

    public WriteFlags Flags { get; } = flags;
}
