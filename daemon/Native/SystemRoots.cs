using System.Runtime.InteropServices;

namespace Auraed.Native;

/// <summary>
/// The framework reads every root certificate of the system, once, before the first chain that it builds, even one that never asks them: 40 ms and 7 MiB.
/// What trusts our own authority alone builds its first chain in here. From then on the process knows no public authority; whoever must trust one reads its file
/// and uses it as custom root.
/// </summary>
public static partial class SystemRoots
{
    private static readonly string[] Variables = ["SSL_CERT_DIR", "SSL_CERT_FILE"];

    private static int _isRead;

    /// <summary>
    /// Runs <paramref name="build"/>, the first time while OpenSSL's variables lead nowhere. Later there is nothing left to read, and the variables are left alone: the C library's
    /// environment has no lock, so the first time is for the start of the process.
    /// </summary>
    public static T Without<T>(Func<T> build)
    {
        if (Interlocked.Exchange(ref _isRead, 1) != 0)
        {
            return build();
        }

        foreach (var variable in Variables)
        {
            _ = setenv(variable, "/dev/null/none", 1);
        }

        try
        {
            return build();
        }
        finally
        {
            // What the process was given stands in the managed copy of the environment.
            foreach (var variable in Variables)
            {
                _ = Environment.GetEnvironmentVariable(variable) is { } given ? setenv(variable, given, 1) : unsetenv(variable);
            }
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int unsetenv(string name);
}
