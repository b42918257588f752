using System.Buffers;
using System.Buffers.Binary;
using Auraed.Store;
using Auraed.Store.Proof;
using Auraed.Store.Segments;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Proof;

/// <summary>Segments: whatever is done to their bytes is found, and the events that it was done to are named.</summary>
public sealed class SegmentChecks : IDisposable
{
    private readonly LogFile _log = new();

    public void Dispose() => _log.Dispose();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 600)]
    [InlineData(1, 512)]
    [InlineData(257, 512)]
    [InlineData(300, 300)]
    [InlineData(200, 570)]
    [InlineData(600, 600)]
    public async Task A_segment_of_any_range_is_sound(long first, long last)
    {
        Checkpoint checkpoint = await _log.WriteAsync(600);
        SegmentReport report = Check(await SegmentAsync(first, last, checkpoint));
        Assert.Empty(report.Findings);
        Assert.Equal(last - first + 1, report.Events);
    }

    [Fact]
    public async Task Every_flipped_bit_is_found_and_the_event_named()
    {
        Checkpoint checkpoint = await _log.WriteAsync(270);
        byte[] segment = await SegmentAsync(3, 262, checkpoint);
        List<(int Start, int End)> events = EventsOf(segment);
        var random = new Random(7);
        // Every byte of the header and of three events, and some of all others.
        int[] places = [.. Enumerable.Range(0, events[3].Start), .. Enumerable.Range(0, 2000).Select(_ => random.Next(events[3].Start, segment.Length))];
        foreach (int place in places)
        {
            byte[] changed = [.. segment];
            changed[place] ^= (byte)(1 << random.Next(8));
            IReadOnlyList<string> findings = FindingsOrFault(changed);
            Assert.True(findings.Count > 0, $"a bit of byte {place} was flipped and nothing was found");
            int index = events.FindIndex(found => place >= found.Start && place < found.End);
            Assert.True(index < 0 || findings.Any(finding => finding.Contains($" {3 + index} ", StringComparison.Ordinal)), $"byte {place} of event {3 + index}: {string.Join("; ", findings)}");
        }
    }

    [Fact]
    public async Task A_removed_a_repeated_and_a_moved_event_are_named()
    {
        byte[] segment = await SegmentAsync(1, 300, await _log.WriteAsync(300));
        List<(int Start, int End)> events = EventsOf(segment);
        byte[] Event(int sequence) => segment[events[sequence - 1].Start..events[sequence - 1].End];
        byte[] Before(int sequence) => segment[..events[sequence - 1].Start];
        byte[] Behind(int sequence) => segment[events[sequence - 1].End..];

        Assert.Equal("events: 50 is missing, 51 follows", Findings([.. Before(50), .. Behind(50)])[0]);
        Assert.Equal("events: 1 to 4 are missing, 5 follows", Findings([.. Before(1), .. Behind(4)])[0]);
        Assert.Equal("events: 50 stands where 51 is expected", Findings([.. Before(51), .. Event(50), .. segment[events[50].Start..]])[0]);
        Assert.Equal("events: 50 is missing, 51 follows", Findings([.. Before(50), .. Event(51), .. Event(50), .. Behind(51)])[0]);
        Assert.Equal("events: 300 to 300 are missing at the end of the file", Findings([.. Before(300)])[0]);
        Assert.Equal("events: more follow 300, the last one", Findings([.. segment, .. Event(300)])[0]);
        Assert.StartsWith("events: from 300 on they cannot be read", Findings(segment[..^1])[0], StringComparison.Ordinal);
        Assert.StartsWith("events: from 10 on they cannot be read", Findings(segment[..(events[9].Start + 20)])[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_that_is_chained_anew_is_narrowed_down_to_its_block_or_to_the_segment()
    {
        Checkpoint checkpoint = await _log.WriteAsync(768);
        byte[] sound = await SegmentAsync(1, 768, checkpoint);
        _log.Tamper(connection =>
        {
            connection.Execute("UPDATE event SET payload = x'00' WHERE sequence = 500");
            LogFile.ChainAnew(connection);
            connection.Execute("DELETE FROM event_node");
        });
        byte[] forged = await SegmentAsync(1, 768, checkpoint);
        Assert.Equal("events: what is in 1 to 768, or the proof around it, is not what the checkpoint of 768 events signs", Assert.Single(Findings(forged)));

        // Whoever leaves the marks alone is located by them.
        foreach (int block in (int[])[256, 512, 768])
        {
            sound.AsSpan(EventsOf(sound)[block - 1].End, 32).CopyTo(forged.AsSpan(EventsOf(forged)[block - 1].End));
        }

        Assert.Equal(
            ["events: what is in 257 to 512 is not what was signed, chained anew or not", "events: what is in 513 to 768 is not what was signed, chained anew or not"],
            Findings(forged));
    }

    [Fact]
    public async Task Another_key_and_another_checkpoint_are_found()
    {
        Checkpoint checkpoint = await _log.WriteAsync(20);
        using var ec = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        using CheckpointKey other = CheckpointKey.FromPrivate(ec.ExportPkcs8PrivateKey())!;
        byte[] byOther = await SegmentAsync(1, 20, other.Sign(checkpoint.Origin, checkpoint.Size, checkpoint.Root, checkpoint.Time, checkpoint.Head));
        Assert.Equal("checkpoint of 20 events: it is signed by another key than the certificate's", Assert.Single(Findings(byOther)));
        byte[] byBoth = await SegmentAsync(1, 20, checkpoint with { Time = checkpoint.Time + 1 });
        Assert.Equal("checkpoint of 20 events: its signature is forged", Assert.Single(Findings(byBoth)));
    }

    [Fact]
    public async Task The_bytes_of_a_segment_and_of_its_checkpoint_are_these()
    {
        var options = _log.Store.Options with { Time = new FixedTime(DateTimeOffset.UnixEpoch.AddDays(20_000)) };
        byte[] root, segment;
        await using (var database = Database.Open(options))
        {
            for (int number = 0; number < 5; number++)
            {
                await StoreFixture.AppendAsync(database, $"subject {number}", number);
            }

            root = await database.ReadAsync(unit => new TreeNodes(unit.Prepare).Tree.Root(5), CancellationToken.None);
            var checkpoint = new Checkpoint("auraed/00112233445566778899aabbccddeeff", 5, root, 1_728_000_000_000_000_000, new byte[32], [1, 2, 3, 4], [.. Enumerable.Range(0, 70).Select(value => (byte)value)]);
            Support.Golden.Verify(System.Text.Encoding.UTF8.GetString(checkpoint.Note), "checkpoint");
            segment = await SegmentAsync(2, 3, checkpoint, database);
        }

        Support.Golden.Verify(string.Join('\n', Convert.ToHexStringLower(segment).Chunk(64).Select(line => new string(line))), "segment");
    }

    [Fact]
    public void A_file_that_is_no_segment_is_refused()
    {
        var fault = Assert.Throws<Base.Fault>(() => Findings("AURAESEX and more"u8.ToArray()));
        Assert.Equal(Base.FaultKind.Invalid, fault.Kind);
        Assert.Equal(Base.FaultKind.NotFound, Assert.Throws<Base.Fault>(() => SegmentReader.Open("/no/such/file")).Kind);
    }

    private async Task<byte[]> SegmentAsync(long first, long last, Checkpoint checkpoint)
    {
        await using Database database = _log.Store.Open();
        return await SegmentAsync(first, last, checkpoint, database);
    }

    private static Task<byte[]> SegmentAsync(long first, long last, Checkpoint checkpoint, Database database) => database.ReadAsync(
            unit =>
            {
                var writer = new SegmentWriter(first, last, checkpoint);
                var output = new ArrayBufferWriter<byte>();
                writer.WriteHeader(unit.Prepare, output);
                while (writer.WritePart(unit.Prepare, output))
                {
                }

                return output.WrittenSpan.ToArray();
            },
            CancellationToken.None);

    private IReadOnlyList<string> Findings(byte[] segment) => Check(segment).Findings;

    /// <summary>What is wrong before the first event is a fault.</summary>
    private IReadOnlyList<string> FindingsOrFault(byte[] segment)
    {
        try
        {
            return Findings(segment);
        }
        catch (Base.Fault fault)
        {
            return [fault.Message];
        }
    }

    private SegmentReport Check(byte[] segment)
    {
        string path = Path.Combine(_log.Store.Root, "segment");
        File.WriteAllBytes(path, segment);
        using ServerKey server = ServerKey.Load(_log.Store.KeyPath);
        using CheckpointKey key = server.Signer()!;
        return SegmentCheck.OfFile(path, key, null, CancellationToken.None);
    }

    /// <summary>Where each event stands, without its mark.</summary>
    private static List<(int Start, int End)> EventsOf(byte[] segment)
    {
        using var reader = new SegmentReader(new MemoryStream(segment), "segment");
        (long sequence, long first) = (reader.Header.First, reader.Header.First);
        int at = (int)reader.Offset;
        var events = new List<(int, int)>();
        while (at < segment.Length)
        {
            int end = at + 4 + BinaryPrimitives.ReadInt32BigEndian(segment.AsSpan(at)) + 32;
            events.Add((at, end));
            at = end + (sequence % 256 == 0 && sequence - 256 >= first - 1 ? 32 : 0);
            sequence++;
        }

        return events;
    }
}
