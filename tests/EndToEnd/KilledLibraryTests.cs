using System.Buffers.Binary;
using System.Text.Json;
using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Tests.Support;

namespace Auraed.Tests.EndToEnd;

/// <summary>`auraed verify --library-dir` of the shipped binary on what a killed daemon leaves, in either durability.</summary>
public sealed class KilledLibraryTests : IDisposable
{
    // What the command line exits with when a check found errors.
    private const int Found = 3;

    private const int Machines = 200;
    private const int PageBytes = 4096;
    private const int LogHeaderBytes = 32;
    private const int LogFrameHeaderBytes = 24;

    // Within the first of many records, behind the segment's header.
    private const int FirstRecord = 200;

    private readonly BinaryHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("wal", "database")]
    [InlineData("journal", "database")]
    [InlineData("journal", "journal")]
    public async Task What_a_kill_left_is_sound_and_a_byte_that_is_flipped_in_it_is_named(string durability, string damaged)
    {
        await FillAsync(durability);
        string[] journals = [.. Directory.GetFiles(_host.Library, "aurae.journal-*").Order(StringComparer.Ordinal)];
        Assert.Equal(durability == "journal", journals.Length > 0);
        var left = Contents();
        var report = JsonDocument.Parse(Verify("--output", "json").Succeeded()).RootElement;
        Assert.True(report.GetProperty("sound").GetBoolean());
        Assert.InRange(report.GetProperty("events").GetInt64(), Machines, 2 * Machines);

        var page = UntouchedPage();
        var (file, place, words) = damaged == "journal" ? (journals[0], FirstRecord, "the journal is damaged") : (_host.DatabasePath, ((page - 1) * PageBytes) + 77, $"page {page}");
        Flip(file, place);
        var found = Verify();
        Assert.Equal((Found, true), (found.Code, found.Output.Contains(words, StringComparison.Ordinal)));
        Flip(file, place);

        // A check changes no byte of what it checks.
        Assert.Equal(left, Contents());
        Verify().Succeeded();
    }

    /// <summary>A database that a clean stop folded, and then writes that a kill left beside it.</summary>
    private async Task FillAsync(string durability)
    {
        await using (var first = await StartAsync(durability))
        {
            _host.Apply("first");
            await BinaryHost.StopAsync(first);
        }

        await using var daemon = await StartAsync(durability);
        using var channel = _host.Fixture.Open();
        var records = new RecordService.RecordServiceClient(channel);
        for (var number = 0; number < Machines; number++)
        {
            var machine = new VirtualMachine { Id = $"vm-{number}", MemSizeMb = 512 };
            await records.CreateAsync(new CreateRecordRequest { Record = RecordServer.Draft(machine) }, cancellationToken: CancellationToken.None);
        }

        daemon.Kill();
        await daemon.WaitForExitAsync();
    }

    private async Task<ChildProcess> StartAsync(string durability)
    {
        var daemon = ChildProcess.Start(_host.Root, PublishedBinary.Path, "run", "--root", _host.Root, "--durability", durability);
        await Eventually.HoldsAsync(() => _host.Run("health").Code == 0, "the daemon is healthy");
        return daemon;
    }

    private Tool Verify(params string[] flags) => _host.Run(["verify", "--library-dir", _host.Library, .. flags]);

    /// <summary>A page of the file that the engine's log holds no newer one of.</summary>
    private int UntouchedPage()
    {
        var path = _host.DatabasePath + "-wal";
        var log = File.Exists(path) ? File.ReadAllBytes(path) : [];
        var newer = new HashSet<int>();
        for (var frame = LogHeaderBytes; frame + LogFrameHeaderBytes + PageBytes <= log.Length; frame += LogFrameHeaderBytes + PageBytes)
        {
            newer.Add((int)BinaryPrimitives.ReadUInt32BigEndian(log.AsSpan(frame)));
        }

        var last = (int)(new FileInfo(_host.DatabasePath).Length / PageBytes);
        return Enumerable.Range(2, last - 1).First(page => !newer.Contains(page));
    }

    /// <summary>What is kept; the engine's index of its log and the lock are made anew by whoever opens the directory.</summary>
    private SortedDictionary<string, string> Contents() =>
        new(Directory.GetFiles(_host.Library).Where(path => Path.GetExtension(path) is not (".db-shm" or ".lock")).ToDictionary(path => path, path => AssetHost.Digest(File.ReadAllBytes(path))), StringComparer.Ordinal);

    private static void Flip(string path, int place)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = place;
        var found = file.ReadByte();
        file.Position = place;
        file.WriteByte((byte)(found ^ 1));
    }
}
