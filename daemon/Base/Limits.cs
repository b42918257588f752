namespace Auraed.Base;

/// <summary>Every bound in the daemon. The unit stands in the name, the reason beside the value.</summary>
public static class Limits
{
    /// <summary>One request or response message. etcd takes 1.5 MiB, gRPC's default is 4 MiB; a record fits many times over.</summary>
    public const int MessageBytesMax = 4 * 1024 * 1024;

    /// <summary>A call without a deadline gets none; one with a longer deadline keeps it. A handler may not outlive this after its client has gone.</summary>
    public static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(25);
}
