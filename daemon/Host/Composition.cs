using Aurae.Discovery.V0;
using Auraed.Base;
using Auraed.Config;
using Auraed.Domain.Assets;
using Auraed.Domain.Events;
using Auraed.Domain.Query;
using Auraed.Domain.Records;
using Auraed.Domain.Registry;
using Auraed.Domain.Upkeep;
using Auraed.Domain.Vms;
using Auraed.EventLog;
using Auraed.Native;
using Auraed.Rpc;
using Auraed.Store;
using Auraed.Supervise;
using Grpc.Health.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>
/// The parts of the daemon and how they hang together. A service is added in three lines: its singleton in <see cref="Register"/>, its mapping in
/// <see cref="Map"/>, its descriptor in <see cref="Services"/>; its methods stand in the access table already. Disposing closes the database last.
/// </summary>
internal sealed class Composition : IAsyncDisposable
{
    private readonly CancellationTokenSource _failed = new();
    private readonly Database _database;
    private readonly RecordStore _records;
    private readonly Upkeep _upkeep;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Queries _queries;
    private readonly Events _events;
    private readonly ServiceRegistry _registry;
    private Workloads? _workloads;
    private readonly LogFeed _feed;
    private Task _publishing = Task.CompletedTask;
    private Task _leasing = Task.CompletedTask;
    private LeaseLoop? _leases;
    private LogKeeper? _keeper;
    private LogRetention? _retention;
    private Task _retaining = Task.CompletedTask;
    private Task _keeping = Task.CompletedTask;
    private Action<Fault> _keeperFailed = _ => { };
    private readonly AssetLibrary _assets;
    private Task _caring = Task.CompletedTask;
    private Task _purging = Task.CompletedTask;

    private Composition(Database database, RecordStore records, ServiceRegistry registry, IReadOnlyList<ArchiveBackend> backends, LogFeed feed, TimeProvider time)
    {
        _database = database;
        _records = records;
        _registry = registry;
        _feed = feed;
        _time = time;
        Pulses = new Pulses(time);
        Writing = new WriterProbe(database, Pulses);
        _upkeep = new Upkeep(database, time, Pulses);
        _queries = new Queries(database);
        _events = new Events(database, time);
        _assets = new AssetLibrary(database, records, time, backends);
    }

    /// <summary>What is really served: health, reflection and discovery know these.</summary>
    public static IReadOnlyList<Google.Protobuf.Reflection.ServiceDescriptor> Services { get; } =
    [
        DiscoveryService.Descriptor,
        Aurae.Admin.V0.AdminService.Descriptor,
        Aurae.Records.V0.RecordService.Descriptor,
        Aurae.Cells.V0.CellService.Descriptor,
        Aurae.Vms.V0.VmService.Descriptor,
        Aurae.Observe.V0.ObserveService.Descriptor,
        Aurae.Logs.V0.LogService.Descriptor,
        Aurae.Query.V0.QueryService.Descriptor,
        Aurae.Events.V0.EventService.Descriptor,
        Aurae.Events.V0.CursorService.Descriptor,
        Aurae.Registry.V0.RegistryService.Descriptor,
        Aurae.Services.V0.ServiceService.Descriptor,
        Aurae.Events.V0.ProofService.Descriptor,
        Aurae.Assets.V0.AssetService.Descriptor,
        Aurae.Events.V0.RetentionService.Descriptor,
        Health.Descriptor,
        Grpc.Reflection.V1.ServerReflection.Descriptor,
        Grpc.Reflection.V1Alpha.ServerReflection.Descriptor,
    ];

    private static IReadOnlyList<string> Supervising { get; } =
        [Aurae.Services.V0.ServiceService.Descriptor.FullName, Aurae.Cells.V0.CellService.Descriptor.FullName];

    public Pulses Pulses { get; }

    public WriterProbe Writing { get; }

    public DrainSignal Drain { get; } = new();

    public HealthBoard Board { get; } = new();

    public Database Database => _database;

    /// <summary>Why no service and no cell is supervised, and what changes that; empty when they are.</summary>
    public string SupervisionRefused => _workloads!.SupervisionRefused;

    /// <summary>What anybody may read of the assets, once somebody listens.</summary>
    public AssetOrigin Origin => _assets.Origin;

    /// <summary>Fires when the daemon cannot go on.</summary>
    public CancellationToken Failed => _failed.Token;

    public static async Task<Composition> OpenAsync(Settings settings, TimeProvider time, LogFeed feed, ILogger logger, CancellationToken cancel)
    {
        Composition? composition = null;
        var database = Database.Open(new DatabaseOptions
        {
            Directory = settings.LibraryDirectory,
            KeyPath = settings.ServerKeyPath,
            Durability = settings.Durability == DurabilityName.Journal ? Durability.Journal : Durability.Wal,
            Time = time,
            Recovered = found => Tell(found, logger),
            Failed = fault =>
            {
                Log.StoreFailed(logger, fault.Message);
                composition?._failed.Cancel();
            },
        });
        try
        {
            var records = await RecordStore.OpenAsync(database, time, cancel);
            var registry = await ServiceRegistry.OpenAsync(database, time, cancel);
            composition = new Composition(database, records, registry, AssetBackends.Read(settings.AssetBackendsPath), feed, time);

            // Before anything is served: callers find the cells and services of before as they are.
            composition._workloads = await Workloads.OpenAsync(database, records, composition._assets.Contents, settings.LibraryDirectory, time, composition.Pulses, logger, cancel);
            return composition;
        }
        catch
        {
            await (composition?.DisposeAsync() ?? database.DisposeAsync());
            throw;
        }
    }

    private static void Tell(RecoveryReport found, ILogger logger)
    {
        if (found.TailBytes > 0)
        {
            Log.JournalCut(logger, found.Groups, found.TailBytes);
        }
        else
        {
            Log.JournalRedone(logger, found.Groups);
        }
    }

    public void Register(IServiceCollection services, Settings settings, string version)
    {
        services.AddSingleton<IStartupFilter, DirectRoutes>();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(Drain);
        services.AddSingleton(Board);
        services.AddSingleton(BoundsOf(settings));
        services.AddSingleton(new AccessPolicy(ProcessGuards.UserId));
        services.AddSingleton<Edge>();
        services.AddSingleton<EdgeInterceptor>();
        services.AddSingleton(new DescriptorIndex(Services));
        services.AddSingleton(new DiscoveryServer(Board, version));
        services.AddSingleton<HealthServer>();
        services.AddSingleton<ReflectionServer>();
        services.AddSingleton<ReflectionAlphaServer>();
        services.AddSingleton(new RecordService(_records, Drain));
        services.AddSingleton(new CellService(_workloads!.Cells));
        services.AddSingleton(new ObserveService(_workloads.Cells, _workloads.Signals, _feed, Drain));
        services.AddSingleton(new LogService(_workloads.Cells, _feed, Drain));
        services.AddSingleton(new VmService(new VirtualMachines(_records, _time)));
        services.AddSingleton(new AdminServer(_upkeep, Drain, _time, version, SupervisionRefused));
        services.AddSingleton(new QueryService(_queries));
        services.AddSingleton(new EventService(_events, _records, Drain));
        services.AddSingleton(new CursorService(new Cursors(_database, _events.Tail, _records.CursorGates, _time), Drain));
        services.AddSingleton(new ServiceService(_workloads.Services.Operations, _workloads.Services.Reader, _workloads.Services.Logs, Drain));
        services.AddSingleton(new RegistryService(_registry, new EntryWatch(_records.Watches), Drain));
        _keeper = new LogKeeper(_database, _time, settings.CheckpointInterval);
        services.AddSingleton(new ProofService(new Proofs(_database, _keeper)));
        services.AddSingleton(new AssetService(_assets));
        _retention = new LogRetention(_database, _keeper, _time) { Assets = new SegmentAssets(_database, _assets) };
        services.AddSingleton(new RetentionService(new Retention(_database, _retention, ArchiveTargetOf(settings), new KeepPolicy(settings.KeepAge, settings.KeepCount))));
        services.AddGrpc(options =>
        {
            options.MaxReceiveMessageSize = settings.MessageBytesMax;
            options.Interceptors.Add<EdgeInterceptor>();
        });
    }

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<DiscoveryServer>();
        endpoints.MapGrpcService<HealthServer>();
        endpoints.MapGrpcService<ReflectionServer>();
        endpoints.MapGrpcService<ReflectionAlphaServer>();
        endpoints.MapGrpcService<RecordService>();
        endpoints.MapGrpcService<CellService>();
        endpoints.MapGrpcService<ObserveService>();
        endpoints.MapGrpcService<LogService>();
        endpoints.MapGrpcService<VmService>();
        endpoints.MapGrpcService<AdminServer>();
        endpoints.MapGrpcService<QueryService>();
        endpoints.MapGrpcService<EventService>();
        endpoints.MapGrpcService<CursorService>();
        endpoints.MapGrpcService<RegistryService>();
        endpoints.MapGrpcService<ServiceService>();
        endpoints.MapGrpcService<ProofService>();
        endpoints.MapGrpcService<AssetService>();
        endpoints.MapGrpcService<RetentionService>();
    }

    /// <summary>Begins the daemon's own work beside the calls; disposing ends it.</summary>
    public void Work(Settings settings, ILogger logger)
    {
        _keeperFailed = fault => Log.LogKeeperFailed(logger, fault.Message);
        _keeping = _keeper!.RunAsync(_keeperFailed, _stopping.Token);
        _caring = new AssetUpkeep(
            _database, _assets, new AssetCare(settings.AssetCollectInterval, settings.AssetScrubInterval, settings.AssetScrubBytesPerSecond), AssetCareLog.To(logger), _time).RunAsync(_stopping.Token);
        _retaining = _retention!.RunAsync(
            ArchiveTargetOf(settings), new KeepPolicy(settings.KeepAge, settings.KeepCount), fault => Log.RetentionFailed(logger, fault.Message), _stopping.Token);
        if (settings.PublishInterval > TimeSpan.Zero)
        {
            _publishing = _upkeep.PublishForeverAsync(
                settings.PublishInterval,
                copy => Log.Published(logger, copy.Path, copy.Bytes, copy.LastSequence),
                fault => Log.PublishFailed(logger, fault.Message),
                _stopping.Token);
        }

        Log.LeasesLoaded(logger, _registry.Leases.Count, _registry.Graced, (int)Limits.LeaseGrace.TotalSeconds);
        _leases = new LeaseLoop(_database, _registry.Leases, _time, Pulses, logger);
        _leasing = _leases.RunAsync(_stopping.Token);
        _purging = new OriginPurge(_database, new Cursors(_database, _events.Tail, _records.CursorGates, _time), _events.Tail, Origin, _time)
            .RunAsync(settings.OriginPurgePath, fault => Log.PurgeFailed(logger, fault.Message), _stopping.Token);
    }

    /// <summary>Turns health to SERVING, each service and the whole; without supervision, not what is about processes.</summary>
    public void Serve()
    {
        foreach (var service in Services.Select(service => service.FullName).Append(""))
        {
            Board.Set(service, isServing: SupervisionRefused.Length == 0 || !Supervising.Contains(service));
        }
    }

    private static ArchiveTarget ArchiveTargetOf(Settings settings) => settings.ArchivesToAssets ? ArchiveTarget.Assets : ArchiveTarget.To(settings.ArchiveDirectory);

    public static EdgeBounds BoundsOf(Settings settings) => new(settings.CallCountMax, settings.CallTimeMax, settings.SlowCall);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _publishing;
        await _leasing;
        await SaveLeasesAsync();
        await _retaining;
        await (_workloads?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _keeping;
        _retention?.Dispose();
        await _caring;
        await _purging;
        if (_keeper is not null)
        {
            // After everything that writes events.
            await _keeper.StopAsync(_keeperFailed);
            _keeper.Dispose();
        }

        await _assets.DisposeAsync();
        _upkeep.Dispose();
        _queries.Dispose();
        await _database.DisposeAsync();
        Drain.Dispose();
        _stopping.Dispose();
        _failed.Dispose();
    }

    /// <summary>What was renewed since the last save. Without it a stop would be as a kill is: the grace makes up for it.</summary>
    private async Task SaveLeasesAsync()
    {
        try
        {
            await (_leases is { } leases && _registry.Leases.Count > 0 ? leases.SaveAsync(CancellationToken.None) : Task.CompletedTask);
        }
        catch (Fault)
        {
            // The store has said why it takes no more.
        }
    }
}
