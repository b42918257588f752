using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>One flipped bit anywhere: found, and never read as if it were true.</summary>
public abstract class StoreDamage : IDisposable
{
    private const int PageBytes = 4096;

    private protected StoreFixture Fixture { get; }

    private protected Random Random { get; }

    protected StoreDamage(Durability durability, ITestOutputHelper output)
    {
        Fixture = new StoreFixture(durability);
        Random = Seeds.Random(output);
    }

    public void Dispose() => Fixture.Dispose();

    [Fact]
    public async Task A_flipped_bit_in_any_page_is_found_and_never_silently_read()
    {
        await using (var database = Fixture.Open())
        {
            // Leaves, inner pages, overflow chains, indexes, and pages given back.
            await Task.WhenAll(Enumerable.Range(0, 150).Select(number => StoreChild.AppendAsync(database, $"subject {number}", number % 10 == 0 ? 9000 : 300)));
            await database.WriteAsync(unit => unit.Prepare("CREATE TABLE given_back AS SELECT * FROM event").Execute(), CancellationToken.None);
            await database.WriteAsync(unit => unit.Prepare("DROP TABLE given_back").Execute(), CancellationToken.None);
        }

        var whole = await File.ReadAllBytesAsync(Fixture.DatabasePath);
        var truth = await ContentAsync();
        Assert.NotNull(truth);
        var copy = Path.Combine(Fixture.Root, "copy.db");
        for (var page = 0; page < whole.Length / PageBytes; page++)
        {
            var damaged = (byte[])whole.Clone();
            damaged[(page * PageBytes) + Random.Next(PageBytes)] ^= (byte)(1 << Random.Next(8));
            await File.WriteAllBytesAsync(copy, damaged);
            Assert.True(IsFound(copy), $"page {page + 1}");
            await File.WriteAllBytesAsync(Fixture.DatabasePath, damaged);
            var read = await ContentAsync();
            Assert.True(read is null || read == truth, $"page {page + 1} was read as something else");
        }
    }

    private bool IsFound(string path)
    {
        try
        {
            return !Maintenance.Verify(path, Fixture.KeyPath, null, CancellationToken.None).IsSound;
        }
        catch (Auraed.Base.Fault)
        {
            return true;
        }
    }

    /// <summary>All that a reader sees; null when it is told of damage instead.</summary>
    private async Task<string?> ContentAsync()
    {
        File.Delete(Fixture.DatabasePath + "-wal");
        File.Delete(Fixture.DatabasePath + "-shm");
        try
        {
            await using var database = Fixture.Open();
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

public sealed class StoreDamageJournal(ITestOutputHelper output) : StoreDamage(Durability.Journal, output);
