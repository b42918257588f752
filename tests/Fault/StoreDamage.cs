using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>One flipped bit anywhere: found, and never read as if it were true.</summary>
public sealed class StoreDamage : IDisposable
{
    private const int PageBytes = 4096;
    private const int LogHeaderBytes = 32;
    private const int FrameBytes = 24 + PageBytes;
    private readonly StoreFixture _fixture = new();
    private readonly Random _random;

    public StoreDamage(ITestOutputHelper output) => _random = Seeds.Random(output);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_flipped_bit_in_any_page_is_found_and_never_silently_read()
    {
        await using (var database = _fixture.Open())
        {
            // Leaves, inner pages, overflow chains, indexes, and pages given back.
            await Task.WhenAll(Enumerable.Range(0, 150).Select(number => StoreChild.AppendAsync(database, $"subject {number}", number % 10 == 0 ? 9000 : 300)));
            await database.WriteAsync(unit => unit.Prepare("CREATE TABLE given_back AS SELECT * FROM event").Execute(), CancellationToken.None);
            await database.WriteAsync(unit => unit.Prepare("DROP TABLE given_back").Execute(), CancellationToken.None);
        }

        var whole = await File.ReadAllBytesAsync(_fixture.DatabasePath);
        var truth = await ContentAsync();
        Assert.NotNull(truth);
        var copy = Path.Combine(_fixture.Root, "copy.db");
        for (var page = 0; page < whole.Length / PageBytes; page++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[(page * PageBytes) + _random.Next(PageBytes)] ^= (byte)(1 << _random.Next(8));
            await File.WriteAllBytesAsync(copy, damaged);
            Assert.True(IsFound(copy), $"page {page + 1}");
            await File.WriteAllBytesAsync(_fixture.DatabasePath, damaged);
            var read = await ContentAsync();
            Assert.True(read is null || read == truth, $"page {page + 1} was read as something else");
        }
    }

    [Fact]
    public async Task A_flipped_bit_in_any_commit_of_the_log_but_the_last_refuses_the_open()
    {
        byte[] log;
        byte[] file;
        var ends = new List<int>();
        await using (var database = _fixture.Open())
        {
            for (var number = 0; number < 20; number++)
            {
                await StoreChild.AppendAsync(database, "log", 2500);
            }

            log = await File.ReadAllBytesAsync(_fixture.DatabasePath + "-wal");
            file = await File.ReadAllBytesAsync(_fixture.DatabasePath);
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
            await RefusedAsync(file, log, LogHeaderBytes + (frame * FrameBytes) + 24 + _random.Next(PageBytes));
            await RefusedAsync(file, log, LogHeaderBytes + (frame * FrameBytes) + 8 + _random.Next(8));
        }

        await RefusedAsync(file, log, _random.Next(LogHeaderBytes));
        await PlaceAsync(file, log);
        Assert.Equal(40, await StoreOracle.HoldsAsync(_fixture.Options, []));
    }

    private async Task RefusedAsync(byte[] file, byte[] log, int at)
    {
        var damaged = (byte[])log.Clone();
        damaged[at] ^= (byte)(1 << _random.Next(8));
        await PlaceAsync(file, damaged);
        var fault = Assert.Throws<Auraed.Base.Fault>(() => _fixture.Open());
        Assert.True(fault.Reason == "LOG_DAMAGED", $"byte {at}: {fault.Reason} {fault.Message}");
    }

    private async Task PlaceAsync(byte[] file, byte[] log)
    {
        await File.WriteAllBytesAsync(_fixture.DatabasePath, file);
        await File.WriteAllBytesAsync(_fixture.DatabasePath + "-wal", log);
        File.Delete(_fixture.DatabasePath + "-shm");
    }

    private bool IsFound(string path)
    {
        try
        {
            return !Maintenance.Verify(path, _fixture.KeyPath, null, CancellationToken.None).IsSound;
        }
        catch (Auraed.Base.Fault)
        {
            return true;
        }
    }

    /// <summary>All that a reader sees; null when it is told of damage instead.</summary>
    private async Task<string?> ContentAsync()
    {
        File.Delete(_fixture.DatabasePath + "-wal");
        File.Delete(_fixture.DatabasePath + "-shm");
        try
        {
            await using var database = _fixture.Open();
            return await database.ReadAsync(
                unit =>
                {
                    using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
                    var rows = unit.Prepare("SELECT hash, payload, subject FROM event ORDER BY sequence");
                    while (rows.Step())
                    {
                        hash.AppendData(rows.Blob(0));
                        hash.AppendData(rows.Blob(1));
                        hash.AppendData(rows.Blob(2));
                    }

                    return Convert.ToHexString(hash.GetHashAndReset());
                },
                CancellationToken.None);
        }
        catch (Auraed.Base.Fault)
        {
            return null;
        }
    }
}
