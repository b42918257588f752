namespace Auraed.Base;

/// <summary>What it means that a file cannot be written, by what the system said.</summary>
public static class FileFaults
{
    private const int NotPermitted = 1;
    private const int NotThere = 2;
    private const int AccessDenied = 13;
    private const int NotADirectory = 20;
    private const int IsADirectory = 21;
    private const int NoSpace = 28;
    private const int ReadOnly = 30;
    private const int OverQuota = 122;
    private const int ErrorNumber = 0xffff;

    /// <summary>True for what the calls of .NET throw of files.</summary>
    public static bool Is(Exception cause) => cause is IOException or UnauthorizedAccessException;

    /// <summary>True when there is no room, on the disk or in a quota.</summary>
    public static bool IsFull(Exception cause) => (cause.HResult & ErrorNumber) is NoSpace or OverQuota;

    /// <summary>
    /// Fault(NotFound) when the directory of a new file is not there. It is not made: a name that was mistyped, or a disk that is not mounted, would put the file where nobody looks for it.
    /// </summary>
    /// <param name="path">Absolute.</param>
    public static void RequireDirectoryOf(string path, string field)
    {
        if (Path.GetDirectoryName(path) is { } directory && !Directory.Exists(directory))
        {
            throw new Fault(FaultKind.NotFound, $"{path} cannot be written: there is no directory {directory}", field, $"mount what belongs there, or make it: mkdir -p {directory}");
        }
    }

    /// <param name="what">What was not done, with the path, as "asset a cannot be written to /b".</param>
    /// <param name="path">The file; the hint goes by its directory. Null when it has no name, as standard output.</param>
    /// <param name="field">The argument that named it; null for none.</param>
    public static Fault OfWriting(string what, string? path, Exception cause, string? field = null)
    {
        var directory = path is null ? "." : Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        // The system's error number, which .NET keeps in there for those errors that have no exception of their own.
        var (kind, hint) = cause switch
        {
            UnauthorizedAccessException or { HResult: NotPermitted or AccessDenied } => (FaultKind.Denied, $"see who may: ls -ld {directory} {path}"),
            DirectoryNotFoundException or FileNotFoundException or { HResult: NotThere } => (FaultKind.NotFound, $"mkdir -p {directory}"),
            _ when IsFull(cause) => (FaultKind.Exhausted, $"make room: df {directory}"),
            { HResult: ReadOnly } => (FaultKind.Denied, $"take another place, or mount it for writing: findmnt --target {directory}"),
            { HResult: NotADirectory or IsADirectory } => (FaultKind.Invalid, $"see what stands there: ls -ld {directory} {path}"),
            _ => (FaultKind.Internal, "check the disk: dmesg"),
        };
        return new Fault(kind, $"{what}: {cause.Message}", field, hint, cause);
    }
}
