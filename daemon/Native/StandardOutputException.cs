namespace Auraed.Native;

/// <summary>What was to be printed cannot be written. The message is the system's, HResult its error number.</summary>
public sealed class StandardOutputException(string message, int error) : IOException(message, error)
{
    /// <summary>EPIPE: whoever read the other end is gone.</summary>
    public static StandardOutputException ReaderGone() => new("Broken pipe", StandardOutput.BrokenPipe);
}
