using System.Runtime.InteropServices;

namespace Auraed.Tests.Support;

/// <summary>Shares the open files of this process that a path leads to, as a child does that was forked and has not reached its exec yet.</summary>
internal sealed class ForkedShare : IDisposable
{
    private const int DuplicateCloseOnExec = 1030;

    private readonly List<int> _descriptors = [];

    public int Count => _descriptors.Count;

    public void Add(string path)
    {
        foreach (var entry in Directory.GetFiles("/proc/self/fd"))
        {
            // Others come and go meanwhile, that of this listing among them.
            if (new FileInfo(entry).LinkTarget == path)
            {
                _descriptors.Add(fcntl(int.Parse(Path.GetFileName(entry), null), DuplicateCloseOnExec, 0));
            }
        }
    }

    public void Dispose() => _descriptors.ForEach(descriptor => Assert.Equal(0, close(descriptor)));

    [DllImport("libc", ExactSpelling = true)]
    private static extern int fcntl(int descriptor, int command, int lowest);

    [DllImport("libc", ExactSpelling = true)]
    private static extern int close(int descriptor);
}
