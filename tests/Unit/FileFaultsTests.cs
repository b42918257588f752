using Auraed.Base;

namespace Auraed.Tests.Unit;

public sealed class FileFaultsTests
{
    [Theory]
    [InlineData(28, FaultKind.Exhausted, "df /srv")]
    [InlineData(122, FaultKind.Exhausted, "df /srv")]
    [InlineData(30, FaultKind.Denied, "findmnt --target /srv")]
    [InlineData(13, FaultKind.Denied, "ls -ld /srv /srv/a")]
    [InlineData(2, FaultKind.NotFound, "mkdir -p /srv")]
    [InlineData(5, FaultKind.Internal, "dmesg")]
    public void What_the_system_says_decides_the_kind_and_the_hint(int error, FaultKind kind, string hint)
    {
        var fault = FileFaults.OfWriting("it cannot be written", "/srv/a", new IOException("why", error), "file");
        Assert.Equal((kind, "it cannot be written: why", "file"), (fault.Kind, fault.Message, fault.Field));
        Assert.Contains(hint, fault.Hint, StringComparison.Ordinal);
    }
}
