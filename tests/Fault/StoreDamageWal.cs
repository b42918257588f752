using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>Where no journal stands behind it, the engine's log is the only place of what was acknowledged last.</summary>
public sealed class StoreDamageWal(ITestOutputHelper output) : StoreDamage(Durability.Wal, output)
{
    private const int PageBytes = 4096;
    private const int LogHeaderBytes = 32;
    private const int FrameBytes = 24 + PageBytes;

    [Fact]
    public async Task A_flipped_bit_in_any_commit_of_the_log_but_the_last_refuses_the_open()
    {
        byte[] log;
        byte[] file;
        var ends = new List<int>();
        var units = 0;
        await using (var database = Fixture.Open())
        {
            // A writer that finds itself idle in between folds the log, and the next commit begins it anew in front of frames that count no more.
            do
            {
                await database.CheckpointAsync(CancellationToken.None);
                for (var number = 0; number < 20; number++, units++)
                {
                    await StoreChild.AppendAsync(database, "log", 2500);
                }

                log = await File.ReadAllBytesAsync(Fixture.DatabasePath + "-wal");
                file = await File.ReadAllBytesAsync(Fixture.DatabasePath);
            }
            while (!IsOfOneRun(log));
        }

        var frames = (log.Length - LogHeaderBytes) / FrameBytes;
        for (var frame = 0; frame < frames; frame++)
        {
            if (BitConverter.ToUInt32(log, LogHeaderBytes + (frame * FrameBytes) + 4) != 0)
            {
                ends.Add(frame);
            }
        }

        // The flags of commits are left alone: without one, a commit is part of the next.
        for (var frame = 0; frame <= ends[^2]; frame++)
        {
            await RefusedAsync(file, log, LogHeaderBytes + (frame * FrameBytes) + 24 + Random.Next(PageBytes));
            await RefusedAsync(file, log, LogHeaderBytes + (frame * FrameBytes) + 8 + Random.Next(8));
        }

        await RefusedAsync(file, log, Random.Next(LogHeaderBytes));
        await PlaceAsync(file, log);
        Assert.Equal(StoreChild.EventsPerUnit * units, await StoreOracle.HoldsAsync(Fixture.Options, []));
    }

    /// <summary>Every frame bears the salts of the header.</summary>
    private static bool IsOfOneRun(byte[] log) =>
        Enumerable.Range(0, (log.Length - LogHeaderBytes) / FrameBytes).All(frame => log.AsSpan(LogHeaderBytes + (frame * FrameBytes) + 8, 8).SequenceEqual(log.AsSpan(16, 8)));

    private async Task RefusedAsync(byte[] file, byte[] log, int at)
    {
        var damaged = (byte[])log.Clone();
        damaged[at] ^= (byte)(1 << Random.Next(8));
        await PlaceAsync(file, damaged);
        var fault = Assert.Throws<Auraed.Base.Fault>(() => Fixture.Open());
        Assert.True(fault.Reason == "LOG_DAMAGED", $"byte {at}: {fault.Reason} {fault.Message}");
    }

    private async Task PlaceAsync(byte[] file, byte[] log)
    {
        await File.WriteAllBytesAsync(Fixture.DatabasePath, file);
        await File.WriteAllBytesAsync(Fixture.DatabasePath + "-wal", log);
        File.Delete(Fixture.DatabasePath + "-shm");
    }
}
