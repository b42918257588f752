using Aurae.Records.V0;
using Aurae.Vms.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Domain.Registry;
using Auraed.Domain.Vms;
using Auraed.Rpc;
using Auraed.Store;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Record = Aurae.Records.V0.Record;

namespace Auraed.Tests.Support;

/// <summary>The record, event, registry and machine services on a real socket over a real encrypted file.</summary>
internal sealed class RecordServer : IAsyncDisposable
{
    private readonly StoreFixture _store;
    private readonly WebApplication _app;
    private readonly GrpcChannel _channel;
    private readonly LeaseLoop _leases;
    private readonly CancellationTokenSource _stop = new();
    private Task _leasing = Task.CompletedTask;

    private RecordServer(StoreFixture store, Database database, RecordStore records, ServiceRegistry registry)
    {
        _store = store;
        Database = database;
        _leases = new LeaseLoop(database, registry.Leases, TimeProvider.System, new Pulses(TimeProvider.System), NullLogger.Instance);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.ListenUnixSocket(SocketPath, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(records);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<DrainSignal>();
        builder.Services.AddSingleton<VirtualMachines>();
        var events = new Auraed.Domain.Events.Events(database, TimeProvider.System);
        builder.Services.AddSingleton(events);
        builder.Services.AddSingleton(new Auraed.Domain.Events.Cursors(database, events.Tail, records.CursorGates, TimeProvider.System));
        builder.Services.AddSingleton(registry);
        builder.Services.AddSingleton(new EntryWatch(records.Watches));
        builder.Services.AddSingleton<Auraed.Rpc.RegistryService>();
        Keeper = new Auraed.EventLog.LogKeeper(database, TimeProvider.System, TimeSpan.Zero);
        builder.Services.AddSingleton(new Auraed.Domain.Events.Proofs(database, Keeper));
        builder.Services.AddSingleton<Auraed.Rpc.ProofService>();
        builder.Services.AddSingleton<Auraed.Rpc.RecordService>();
        builder.Services.AddSingleton<Auraed.Rpc.EventService>();
        builder.Services.AddSingleton<Auraed.Rpc.CursorService>();
        builder.Services.AddSingleton<Auraed.Rpc.VmService>();
        builder.Services.AddSingleton<FaultInterceptor>();
        builder.Services.AddGrpc(options => options.Interceptors.Add<FaultInterceptor>());
        _app = builder.Build();
        _app.MapGrpcService<Auraed.Rpc.RecordService>();
        _app.MapGrpcService<Auraed.Rpc.VmService>();
        _app.MapGrpcService<Auraed.Rpc.EventService>();
        _app.MapGrpcService<Auraed.Rpc.CursorService>();
        _app.MapGrpcService<Auraed.Rpc.ProofService>();
        _channel = UnixSocketChannel.Open(SocketPath);
        Records = new Aurae.Records.V0.RecordService.RecordServiceClient(_channel);
        Proofs = new Aurae.Events.V0.ProofService.ProofServiceClient(_channel);
        Events = new Aurae.Events.V0.EventService.EventServiceClient(_channel);
        Cursors = new Aurae.Events.V0.CursorService.CursorServiceClient(_channel);
        _app.MapGrpcService<Auraed.Rpc.RegistryService>();
        Registry = new Aurae.Registry.V0.RegistryService.RegistryServiceClient(_channel);
        Vms = new Aurae.Vms.V0.VmService.VmServiceClient(_channel);
    }

    public Database Database { get; }

    public Aurae.Records.V0.RecordService.RecordServiceClient Records { get; }

    public Aurae.Events.V0.EventService.EventServiceClient Events { get; }

    public Aurae.Events.V0.CursorService.CursorServiceClient Cursors { get; }
    public Aurae.Registry.V0.RegistryService.RegistryServiceClient Registry { get; }

    public Aurae.Vms.V0.VmService.VmServiceClient Vms { get; }

    public Aurae.Events.V0.ProofService.ProofServiceClient Proofs { get; }

    /// <summary>Signs when asked; it runs no rounds of its own.</summary>
    public Auraed.EventLog.LogKeeper Keeper { get; }

    public string SocketPath => Path.Combine(_store.Root, "aurae.sock");

    public string KeyPath => _store.KeyPath;

    /// <param name="store">A library directory to go on with; the server owns it.</param>
    public static async Task<RecordServer> StartAsync(StoreFixture? store = null)
    {
        store ??= new StoreFixture();
        Database database = store.Open();
        var records = await RecordStore.OpenAsync(database, TimeProvider.System, CancellationToken.None);
        var server = new RecordServer(store, database, records, await ServiceRegistry.OpenAsync(database, TimeProvider.System, CancellationToken.None));
        await server._app.StartAsync();
        server._leasing = server._leases.RunAsync(server._stop.Token);
        return server;
    }

    /// <summary>Stops, and starts again on the same file.</summary>
    public async Task<RecordServer> RestartAsync()
    {
        await StopAsync();
        return await StartAsync(_store);
    }

    public static Any Pack(IMessage message) => Any.Pack(message);

    public Task<Record> CreateAsync(IMessage body, string tenant = "", params (string Key, string Value)[] labels) =>
        Records.CreateAsync(new CreateRecordRequest { Tenant = tenant, Record = Draft(body, labels) }).ResponseAsync;

    public static Record Draft(IMessage body, params (string Key, string Value)[] labels)
    {
        var record = new Record { Body = Any.Pack(body) };
        foreach ((string key, string value) in labels)
        {
            record.Labels.Add(key, value);
        }

        return record;
    }

    /// <summary>The call fails with this code and, when given, blames this field.</summary>
    public static async Task<RpcException> FailsAsync(StatusCode code, string? field, Func<Task> call)
    {
        RpcException failure = await Assert.ThrowsAsync<RpcException>(call);
        Assert.True(code == failure.StatusCode, $"{failure.StatusCode}: {failure.Status.Detail}");
        if (field is not null)
        {
            var violation = failure.GetRpcStatus()?.Details.FirstOrDefault(detail => detail.Is(BadRequest.Descriptor))?.Unpack<BadRequest>().FieldViolations.Single();
            Assert.True(field == violation?.Field, $"blames '{violation?.Field}', not '{field}': {failure.Status.Detail}");
        }

        return failure;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _store.Dispose();
    }

    private async Task StopAsync()
    {
        _channel.Dispose();
        await _app.DisposeAsync();
        await _stop.CancelAsync();
        await _leasing;
        await _leases.SaveAsync(CancellationToken.None);
        _stop.Dispose();
        Keeper.Dispose();
        await Database.DisposeAsync();
    }

    private sealed class FaultInterceptor : Interceptor
    {
        public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            try
            {
                return await continuation(request, context);
            }
            catch (Fault fault)
            {
                throw FaultStatus.ToException(fault);
            }
            catch (Exception bug) when (bug is not (RpcException or OperationCanceledException))
            {
                throw new RpcException(new Grpc.Core.Status(StatusCode.Unknown, bug.ToString()));
            }
        }

        public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
        {
            try
            {
                await continuation(request, responseStream, context);
            }
            catch (Fault fault)
            {
                throw FaultStatus.ToException(fault);
            }
            catch (Exception bug) when (bug is not (RpcException or OperationCanceledException))
            {
                throw new RpcException(new Grpc.Core.Status(StatusCode.Unknown, bug.ToString()));
            }
        }
    }
}
