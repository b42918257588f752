using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Aurae.Documents.V0;
using Aurae.Schema;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Records;
using Auraed.Supervise;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Services;

/// <summary>What an instance is launched as.</summary>
/// <param name="Address">Empty without a registration.</param>
internal sealed record Instance(string Tenant, ServiceSpec Spec, string Cgroup, long Version, long Number, string Address);

/// <summary>From a specification to a process: environment, user, cgroup, logs. Decides nothing.</summary>
/// <param name="cgroups">Null on a host without a cgroup v2 tree; limits are refused there.</param>
internal sealed class InstanceLauncher(Database database, Processes processes, Cgroups? cgroups, ProcessLogs logs, ServicePrograms programs, TimeProvider time)
{
    private static readonly RecordTable Documents = Tables.ByTypeName[Document.Descriptor.FullName];

    public Processes Processes => processes;

    public Cgroups? Cgroups => cgroups;

    public ProcessLogs Logs => logs;

    public ServicePrograms Programs => programs;

    /// <summary>The process, set up but for executing its program.</summary>
    public async Task<PreparedProcess> PrepareAsync(Instance instance, CancellationToken cancel)
    {
        LaunchSpec spec = await SpecAsync(instance, cancel).ConfigureAwait(false);
        if (cgroups is null)
        {
            RequireCgroups(instance.Spec);
        }
        else
        {
            cgroups.Create(NodeOf(instance.Cgroup), SpecPolicy.Bounds(instance.Spec, "spec.limits"));
        }

        return await processes.PrepareAsync(spec, cancel).ConfigureAwait(false);
    }

    /// <summary>A program beside the instance, as the instance itself is: its probe.</summary>
    public async Task<PreparedProcess> PrepareBesideAsync(Instance instance, string command, IEnumerable<string> arguments, CancellationToken cancel)
    {
        LaunchSpec spec = await SpecAsync(instance, cancel).ConfigureAwait(false);
        return await processes.PrepareAsync(
            spec with { Program = command, ProgramDirectory = null, Arguments = [.. arguments.Select(argument => InstanceVariables.Replace(argument, instance.Address))], OutputPath = null, ErrorPath = null, Namespaces = Namespaces.None },
            cancel).ConfigureAwait(false);
    }

    /// <summary>Fault(Precondition) when the specification asks for limits that this host cannot give.</summary>
    public void RequireCgroups(ServiceSpec spec)
    {
        if (cgroups is null && SpecPolicy.NeedsCgroup(spec))
        {
            throw new Fault(FaultKind.Precondition, "spec.limits needs a cgroup v2 tree, and this daemon has none", "spec.limits", "take the limits away, or delegate a cgroup v2 tree to the daemon") { Reason = "NO_CGROUPS" };
        }

        try
        {
            cgroups?.Require(SpecPolicy.Bounds(spec, "spec.limits"));
        }
        catch (Fault fault)
        {
            throw new Fault(fault.Kind, fault.Message, "spec.limits", fault.Hint, fault) { Reason = fault.Reason };
        }
    }

    /// <summary>That its instance was out of memory, in words; empty when it was not. To be asked before the cgroup goes.</summary>
    public string MemoryKills(string cgroup) => cgroups?.OutOfMemoryKills(NodeOf(cgroup)) switch
    {
        null or 0 => string.Empty,
        1 => "out of memory, so the kernel ended one of its processes",
        { } count => string.Create(CultureInfo.InvariantCulture, $"out of memory, so the kernel ended {count} of its processes"),
    };

    /// <summary>Ends every process that is left in the cgroup, and removes that.</summary>
    public async Task CleanAsync(string cgroup, CancellationToken cancel)
    {
        string node = NodeOf(cgroup);
        if (cgroups is not null && cgroups.Exists(node))
        {
            await cgroups.KillAsync(node, time, cancel).ConfigureAwait(false);
            cgroups.Remove(node);
        }
    }

    /// <summary>The cgroup's node below the daemon's.</summary>
    public static string NodeOf(string cgroup) => $"{ServiceNames.Branch}/{cgroup}";

    /// <summary>The address that the next instance of the specification gets: a free port where it leaves the choice.</summary>
    public static string ChooseAddress(ServiceSpec spec)
    {
        string address = spec.Registration?.Address ?? string.Empty;
        if (!address.EndsWith(":0", StringComparison.Ordinal))
        {
            return address;
        }

        string host = address[..^2];
        IPAddress local = IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? parsed) ? parsed : IPAddress.Loopback;
        using var socket = new Socket(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(local, 0));
        }
        catch (SocketException failure)
        {
            throw new Fault(FaultKind.Precondition, $"no port of {host} is free: {failure.Message}", "spec.registration.address", cause: failure);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{host}:{((IPEndPoint)socket.LocalEndPoint!).Port}");
    }

    /// <summary>The paths of its logs, which are kept within their bounds from here on; null when it keeps none.</summary>
    public (string? Output, string? Error) OpenLogs(string tenant, ServiceSpec spec)
    {
        return spec.Log == LogPolicy.Discard ? default : (Open(LogStream.Output), Open(LogStream.Error));

        string Open(LogStream stream)
        {
            ProcessLog log = logs.Open(ServiceNames.Log(tenant, spec.Name, stream));
            log.BytesMax = spec.HasLogBytesMax ? spec.LogBytesMax : Limits.LogBytesMax;
            return log.Path;
        }
    }

    private async Task<LaunchSpec> SpecAsync(Instance instance, CancellationToken cancel)
    {
        ServiceSpec spec = instance.Spec;
        HostUser? user = HostUsers.Find(spec.User);
        (string? output, string? error) = OpenLogs(instance.Tenant, spec);
        return new LaunchSpec
        {
            Program = spec.Artifact is null ? spec.Command : ServicePrograms.NameOf(spec),
            ProgramDirectory = spec.Artifact is null ? null : await programs.EnsureAsync(instance.Tenant, spec, cancel).ConfigureAwait(false),
            Arguments = [.. spec.Arguments.Select(argument => InstanceVariables.Replace(argument, instance.Address))],
            Environment = await EnvironmentAsync(instance, user, cancel).ConfigureAwait(false),
            WorkingDirectory = spec.WorkingDirectory.Length > 0 ? spec.WorkingDirectory : "/",
            UserId = user?.UserId,
            GroupId = user?.GroupId,
            Groups = user?.Groups,
            FileMask = spec.FileMask.Length > 0 ? Convert.ToInt32(spec.FileMask, 8) : 0b000_010_010,
            IsWithoutNewPrivileges = spec.Isolation?.NewPrivileges != true,
            Bounds = SpecPolicy.ProcessBounds(spec, "spec.limits.bounds"),
            Cgroup = cgroups?.PathOf(NodeOf(instance.Cgroup)),
            Namespaces = SpecPolicy.NamespacesOf(spec),
            HostName = spec.Isolation is { HostName.Length: > 0 } isolation ? isolation.HostName : null,
            OutputPath = output,
            ErrorPath = error,
        };
    }

    private async Task<Dictionary<string, string>> EnvironmentAsync(Instance instance, HostUser? user, CancellationToken cancel)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
        if (user is not null)
        {
            (variables["USER"], variables["HOME"]) = (user.Name, user.Home);
        }

        foreach (EnvironmentVariable variable in instance.Spec.Environment)
        {
            variables[variable.Name] = variable.SourceCase == EnvironmentVariable.SourceOneofCase.Config
                ? await ConfigAsync(instance.Tenant, variable, cancel).ConfigureAwait(false)
                : InstanceVariables.Replace(variable.Value, instance.Address);
        }

        foreach ((string name, string value) in InstanceVariables.Of(instance.Tenant, instance.Spec, instance.Version, instance.Number, instance.Address))
        {
            variables[name] = value;
        }

        return variables;
    }

    private async Task<string> ConfigAsync(string tenant, EnvironmentVariable variable, CancellationToken cancel)
    {
        (string document, string path) = (variable.Config.Document, variable.Config.Path);
        var body = (await database.FindAsync(Documents, tenant, document, cancel).ConfigureAwait(false))?.Body as Document
            ?? throw new Fault(FaultKind.Precondition, $"{variable.Name} is to come from document '{document}', which is not there", hint: $"auraed records get document {document}");
        var value = Value.ForStruct(body.Body ?? new Struct());
        foreach (string part in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            value = value.StructValue is { } members && members.Fields.TryGetValue(part, out Value? next)
                ? next
                : throw new Fault(FaultKind.Precondition, $"{variable.Name} is to come from {path} of document '{document}', which has no such field");
        }

        return value.KindCase switch
        {
            Value.KindOneofCase.StringValue when !value.StringValue.Contains('\0') => value.StringValue,
            Value.KindOneofCase.NumberValue => value.NumberValue.ToString("R", CultureInfo.InvariantCulture),
            Value.KindOneofCase.BoolValue => value.BoolValue ? "true" : "false",
            _ => throw new Fault(FaultKind.Precondition, $"{variable.Name}: {path} of document '{document}' is no text, number or truth value"),
        };
    }
}
