using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Journal;
using Auraed.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Tests.Faults;

/// <summary>The system itself says that there is no room for a segment: more is asked of a file system in memory than it has.</summary>
public sealed class JournalSpace : IDisposable
{
    private readonly StoreFixture _fixture = new(Durability.Journal);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void A_segment_without_room_is_a_full_disk_and_leaves_no_file()
    {
        var path = FullFiles.PathFor("aurae.journal-000001-000001");
        var fault = Assert.Throws<Fault>(() => JournalFiles.Default.Create(path, FullFiles.BytesTooMany));
        Assert.Equal((FaultKind.Exhausted, "DISK_FULL"), (fault.Kind, fault.Reason));
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_segment_has_all_of_its_blocks()
    {
        var path = Path.Combine(_fixture.Root, "segment");
        using (JournalFiles.Default.Create(path, StoreFixture.JournalSegmentBytes))
        {
        }

        Assert.Equal(StoreFixture.JournalSegmentBytes, new FileInfo(path).Length);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.InRange(int.Parse(Tool.Run("stat", "--format=%b", path).Succeeded(), null) * 512, StoreFixture.JournalSegmentBytes, int.MaxValue);
    }

    [Fact]
    public async Task Writes_are_refused_while_there_is_no_room_for_the_next_segment_and_go_on_after()
    {
        var acknowledged = new List<long>();
        var files = new FullFiles();
        await using (var database = Database.Open(LiveDirectory.Uncommitting(_fixture) with { JournalFiles = files }))
        {
            for (var round = 0; round < 2; round++)
            {
                files.IsFull = true;
                Fault? refused = null;
                while (refused is null)
                {
                    try
                    {
                        acknowledged.Add(await StoreChild.AppendAsync(database, "journal", 2500));
                    }
                    catch (Fault fault)
                    {
                        refused = fault;
                    }
                }

                Assert.Equal("DISK_FULL", refused.Reason);
                files.IsFull = false;
                acknowledged.Add(await StoreChild.AppendAsync(database, "room", 2500));
                Assert.Null(database.Failure);
            }
        }

        Assert.Equal(acknowledged.Count * StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, acknowledged));
    }

    [Fact]
    public async Task A_start_without_room_says_so_and_the_next_one_finds_all()
    {
        long acknowledged;
        await using (var database = _fixture.Open())
        {
            acknowledged = await StoreChild.AppendAsync(database, "before", 100);
        }

        Assert.Equal("DISK_FULL", Assert.Throws<Fault>(() => Database.Open(_fixture.Options with { JournalFiles = new FullFiles { IsFull = true } })).Reason);
        Assert.Equal(StoreChild.EventsPerUnit, await StoreOracle.HoldsAsync(_fixture.Options, [acknowledged]));
    }

    /// <summary>While it is full, segments are made where there is no room for them.</summary>
    private sealed class FullFiles : JournalFiles
    {
        public const long BytesTooMany = 1L << 60;
        private volatile bool _isFull;

        public bool IsFull
        {
            get => _isFull;
            set => _isFull = value;
        }

        /// <summary>In the file system in memory that every Linux has: it refuses what is more than all of it before it takes any.</summary>
        public static string PathFor(string name) => Path.Combine("/dev/shm", $"{Guid.NewGuid():N}-{name}");

        public override SafeFileHandle Create(string path, long bytes) => IsFull ? base.Create(PathFor(Path.GetFileName(path)), BytesTooMany) : base.Create(path, bytes);
    }
}
