using Auraed.Base;
using Auraed.Domain.Assets;
using Auraed.Domain.Records;
using Auraed.Domain.Services;
using Auraed.Store;
using Auraed.Supervise;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>The services of this host, and what they are supervised with. Disposing lets go of every process; all live on.</summary>
internal sealed class SupervisedServices : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly ServiceSupervisor _supervisor;
    private readonly ProcessLogs _logs;
    private Task _running = Task.CompletedTask;

    private SupervisedServices(Database database, RecordStore records, ContentReader contents, Processes processes, Cgroups? cgroups, SupervisorSeat seat, ProcessLogs logs, string library, TimeProvider time, Pulses pulses, ILogger logger)
    {
        _logs = logs;
        var programs = new ServicePrograms(database, contents, new ProgramFiles(Path.Combine(library, "programs")), logger);
        _supervisor = new ServiceSupervisor(database, processes, cgroups, logs, programs, seat, time, pulses, logger);
        Operations = new ServiceOperations(database, _supervisor);
        Reader = new ServiceReader(database, records.Watches, cgroups, seat, time);
        Logs = new ServiceLogs(logs, Reader);
    }

    public ServiceOperations Operations { get; }

    public ServiceReader Reader { get; }

    public ServiceLogs Logs { get; }

    /// <summary>Finds the processes of before, and begins to supervise; without the seat, does neither.</summary>
    public static async Task<SupervisedServices> OpenAsync(
        Database database, RecordStore records, ContentReader contents, Processes processes, Cgroups? cgroups, SupervisorSeat seat, string library, TimeProvider time, Pulses pulses, ILogger logger, CancellationToken cancel)
    {
        var logs = new ProcessLogs(Path.Combine(library, "logs", "services"), time);
        var services = new SupervisedServices(database, records, contents, processes, cgroups, seat, logs, library, time, pulses, logger);
        if (!seat.IsOurs)
        {
            return services;
        }

        try
        {
            _ = await services._supervisor.RecoverAsync(cancel);
            services._running = services._supervisor.RunAsync(services._stopping.Token);
            return services;
        }
        catch
        {
            await services.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _logs.Dispose();
        _stopping.Dispose();
    }
}
