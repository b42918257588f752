using System.Globalization;
using Auraed.Native;

namespace Auraed.Tests.Unit;

public class LockedMemoryTests
{
    [Fact]
    public void Keys_live_in_pages_that_are_locked_and_left_out_of_dumps()
    {
        using var memory = new LockedMemory(64);
        memory.Span.Fill(0xa5);
        var address = Address(memory);
        var flags = FlagsOf(address);
        Assert.Contains("lo", flags);
        Assert.Contains("dd", flags);
    }

    [Fact]
    public void Nothing_is_left_to_use_after_it_is_given_back()
    {
        var memory = new LockedMemory(64);
        memory.Dispose();
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
    }

    private static unsafe ulong Address(LockedMemory memory)
    {
        fixed (byte* start = memory.Span)
        {
            return (ulong)start;
        }
    }

    private static string[] FlagsOf(ulong address)
    {
        var found = false;
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            var range = line.Split(' ')[0].Split('-');
            if (range.Length == 2 && ulong.TryParse(range[0], NumberStyles.HexNumber, null, out var start) && ulong.TryParse(range[1], NumberStyles.HexNumber, null, out var end))
            {
                found = start <= address && address < end;
            }
            else if (found && line.StartsWith("VmFlags:", StringComparison.Ordinal))
            {
                return line["VmFlags:".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            }
        }

        return [];
    }
}
