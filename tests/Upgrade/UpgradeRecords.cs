using Aurae.Assets.V0;
using Aurae.Cells.V0;
using Aurae.Documents.V0;
using Aurae.Events.V0;
using Aurae.Hosts.V0;
using Aurae.Network.V0;
using Aurae.Registry.V0;
using Aurae.Services.V0;
using Aurae.Sops.V0;
using Aurae.Vms.V0;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Upgrade;

/// <summary>What goes into the file of a version: of every type one record with every field set, and one with nothing but its key.</summary>
internal static class UpgradeRecords
{
    // Field 999, a text: as a newer client would send.
    private static readonly byte[] Unknown = [0xBA, 0x3E, 5, .. "newer"u8];

    private static readonly Timestamp Noon = new() { Seconds = 1_772_366_400, Nanos = 123_456_789 };

    /// <summary>In an order in which every reference finds its target.</summary>
    public static IReadOnlyList<IMessage> All =>
    [
        new Tenant { Name = "acme", DisplayName = "Äcme & Söhne", ReadOnly = false, RecordCountMax = ulong.MaxValue, AssetBytesMax = ulong.MaxValue },
        new Tenant { Name = "closed", DisplayName = "closed", ReadOnly = true, RecordCountMax = 0 },
        new Tenant { Name = "bare" },
        new Principal { Name = "uid:0", DisplayName = "root", CertificateFingerprint = new string('a', 64), Disabled = true, SessionMax = new Duration { Seconds = 3600, Nanos = 5 } },
        new Principal { Name = "bare" },
        new Node { Name = "n1", Address = "[2001:db8::1]:8080", CpuCount = uint.MaxValue, MemoryBytes = ulong.MaxValue, BootId = "b-1", BootTime = Noon, DaemonVersion = "1.0.0", Schedulable = true },
        new Node { Name = "bare" },
        With(new Cell
        {
            Name = "room/desk",
            Cpu = With(new CpuController { Weight = 100, Max = long.MinValue, Period = ulong.MaxValue }),
            Cpuset = new CpusetController { Cpus = "0-3", Mems = "" },
            Memory = new MemoryController { Min = 1, Low = 0, High = -1, Max = long.MaxValue },
            IsolateProcess = true,
            IsolateNetwork = true,
        }),
        new Cell { Name = "bare" },
        new CellExecutable { Id = "room/desk/a", Cell = "room/desk", Name = "a", Command = "sleep 1", Description = "waits", Uid = 0, Gid = 65534, Pid = 77, StartTime = Noon, ExitCode = -9, StartTicks = ulong.MaxValue, BootId = "b-1", Running = true, ExitSignal = 9, EndTime = Noon },
        new CellExecutable { Id = "/bare" },
        new CellState { Cell = "room/desk", HolderPid = 78, HolderStartTicks = ulong.MaxValue, HolderBootId = "b-1" },
        new CellState { Cell = "bare" },
        With(new VirtualMachine
        {
            Id = "vm-1",
            MemSizeMb = uint.MaxValue,
            VcpuCount = 4,
            KernelImgPath = "/kernel",
            KernelArgs = { "console=hvc0", "", "ünï\U0001F600" },
            RootDrive = With(new RootDrive { ImagePath = "/root.raw", ReadOnly = true }),
            DriveMounts = { With(new DriveMount { ImagePath = "/a", VmPath = "/mnt", FsType = "ext4", ReadOnly = true }), new DriveMount() },
            AuraedAddress = "[fe80::1]:8080",
        }),
        new VirtualMachine { Id = "bare" },
        new MachineState { Machine = "vm-1", Observed = (MachineStatus)77, Desired = MachineStatus.Running, ObservedTime = Noon, Reason = "no hypervisor" },
        new MachineState { Machine = "bare" },
        new NetworkInterface
        {
            Id = "eth0",
            Machine = "vm-1",
            MacAddress = "06:00:ac:10:00:02",
            HostDevName = "tap0",
            Ipconfig = With(new IPConfiguration { PrimaryAddr = "192.0.2.2/24", GatewayAddr = "192.0.2.1", Nameservers = { "192.0.2.53", "2001:db8::53" } }),
        },
        new NetworkInterface { Id = "bare", Machine = "bare" },
        new DocumentSchema { Name = "account", Schema = Struct.Parser.ParseJson("""{"properties": {"balance": {"type": "number", "minimum": 0}}}"""), Description = "An account." },
        new DocumentSchema { Name = "bare" },
        new Document { Id = "d-1", Schema = "account", Body = Struct.Parser.ParseJson("""{"balance": 70.25, "a": [1, "x", null, true, {"b": 0.5}], "q": "\"quoted\" ☃"}"""), Title = "Ångström" },
        new Document { Id = "bare" },
        new Sop
        {
            Name = "drain",
            Title = "Drain",
            Description = "# Before a restart",
            Version = "1.2.0",
            Steps = { With(new SopStep { Title = "one", Instruction = "look", Command = "true", Timeout = new Duration { Seconds = 5 } }), new SopStep() },
        },
        new Sop { Name = "bare" },
        new SopRun
        {
            Id = "run-1",
            Sop = "drain",
            SopVersion = "1.2.0",
            Status = SopRunStatus.Running,
            NextStep = 1,
            StartTime = Noon,
            EndTime = Noon,
            Values = { ["host"] = "n1", ["empty"] = "" },
            Results = { With(new SopStepResult { Step = 0, EndTime = Noon, Succeeded = true, Note = "done" }), new SopStepResult() },
        },
        new SopRun { Id = "bare", Sop = "bare" },
        new RegistryEntry
        {
            Id = "web-1",
            Service = "web",
            Address = "[2001:db8::1]:8080",
            Tags = { "canary", "zone:a" },
            Weight = 0,
            Health = EndpointHealth.Draining,
            Note = "goes at noon",
            Ttl = new Duration { Seconds = 30, Nanos = 500_000_000 },
            Dependencies = { With(new Dependency { Service = "db.internal" }), new Dependency() },
            Owner = "web",
        },
        new RegistryEntry { Id = "bare" },
        new Service { Name = "web", Wanted = true, Enabled = true, Version = 2, PreviousVersion = 1, NewestVersion = 3, Slot = "b", SwapFailure = "version 3: it exited with 1" },
        new Service { Name = "bare" },
        new ServiceSlot
        {
            Id = "web/b",
            Service = "web",
            Version = 2,
            BootId = "b-1",
            Phase = SlotPhase.Failed,
            Cause = SlotCause.StartLimit,
            Detail = "no such file",
            Wanted = true,
            Instance = 7,
            InstanceOpen = true,
            RestartAsked = true,
            Healthy = true,
            ProbeFailures = 1,
            ProbeSuccesses = 2,
            Failures = 3,
            Restarts = 4,
            WindowStart = new Duration { Seconds = 5 },
            WindowStarts = 6,
            ReadySince = new Duration { Seconds = 7, Nanos = 8 },
            WakeAt = new Duration { Seconds = 9 },
            Now = new Duration { Seconds = 10 },
            LastExit = new InstanceExit { Kind = InstanceExit.Types.Kind.Signalled, Value = 11, CoreDumped = true },
            Pid = 77,
            StartTicks = ulong.MaxValue,
            Address = "127.0.0.1:8080",
            LaunchTime = Noon,
            History = { With(new SlotMoment { Time = Noon, Version = 2, Instance = 7, Phase = SlotPhase.Running, Cause = SlotCause.None, Detail = "x", Exit = new InstanceExit() }), new SlotMoment() },
        },
        new ServiceSlot { Id = "bare/a", Service = "bare" },
        new Asset
        {
            Id = new string('a', 64),
            Title = "rootfs.img",
            MediaType = "application/octet-stream",
            Size = 1L << 40,
            Sha256 = new string('b', 64),
            ChunkCount = 1 << 24,
            ChunkSizeMin = 16_384,
            ChunkSizeAvg = 65_536,
            ChunkSizeMax = 262_144,
            Creator = "uid:0",
        },
        new Asset { Id = "bare" },
        new ServiceVersion
        {
            Id = "web@2",
            Service = "web",
            Number = 2,
            Spec = With(new ServiceSpec { Name = "web", Command = "/usr/bin/web", Arguments = { "--port", "${AURAE_PORT}" }, Limits = new ResourceLimits { MemoryMax = 1 << 20, CpuMax = 1.5 } }),
            Asset = new string('a', 64),
        },
        new ServiceVersion { Id = "bare@1", Service = "bare" },
        new AssetTag { Name = "stable", Asset = new string('a', 64) },
        new AssetTag { Name = "bare", Asset = "bare" },
        new AssetPin { Name = "p", Asset = new string('a', 64), Reason = "in use" },
        new AssetPin { Name = "bare", Asset = "bare" },
        new AssetLease { Name = "l", Asset = new string('a', 64), ExpireTime = Noon, Holder = "uid:0" },
        new AssetLease { Name = "bare", Asset = "bare" },
        new AssetPublication { Name = "image", Asset = new string('a', 64) },
        new AssetPublication { Name = "bare", Asset = "bare" },
        new AssetArchive { Asset = new string('a', 64), Backend = "cold" },
        new AssetArchive { Asset = "bare" },
        new EventSegment { Id = "events-1-512.auraeseg", Asset = new string('a', 64), FirstSequence = 1, LastSequence = long.MaxValue },
        new EventSegment { Id = "bare", Asset = "bare" },
    ];

    /// <summary>Replaces the bare machine after all were made.</summary>
    public static VirtualMachine Changed => new() { Id = "bare", MemSizeMb = 512, DriveMounts = { new DriveMount { ImagePath = "/late" } } };

    /// <summary>Made and deleted in one commit of the default tenant, and kept in another tenant.</summary>
    public static VirtualMachine Passing => new() { Id = "passing", VcpuCount = 1 };

    public static Record Draft(IMessage body)
    {
        var record = new Record { Body = Any.Pack(body) };
        record.Labels.Add("tier", "web");
        record.Labels.Add("example.org/owner", "Ünal \"the\" second");
        return record;
    }

    private static T With<T>(T message)
        where T : IMessage<T>
    {
        message.MergeFrom(Unknown);
        return message;
    }
}
