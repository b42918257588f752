using System.Globalization;
using System.Text;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Domain.Registry;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Services;

/// <summary>A specification that can be run: every name, limit and combination is checked here, and a fault names the field by its path.</summary>
internal static class SpecCheck
{
    public static ServiceSpec Check(ServiceSpec? given, string path = "spec")
    {
        ServiceSpec spec = given?.Clone() ?? throw Fault.Invalid(path, $"{path} is not set");
        _ = ServiceNames.Parse(spec.Name, path + ".name");
        Text(spec.Description, Limits.DescriptionBytesMax, path + ".description", isLine: false);
        Program(spec, path);
        Environment(spec, path);
        Path(spec.WorkingDirectory, path + ".working_directory");
        Mask(spec.FileMask, path + ".file_mask");
        _ = SpecPolicy.Bounds(spec, path + ".limits");
        _ = SpecPolicy.ProcessBounds(spec, path + ".limits.bounds");
        Dependencies(spec, path + ".dependencies");
        Check(spec.Probe, spec.Registration is not null, path + ".probe");
        if (spec.Ready == ReadyWhen.Probed && spec.Probe is null)
        {
            throw Fault.Invalid(path + ".ready", $"{path}.ready says by its probe, and there is none");
        }

        Check(spec.Registration, path + ".registration");
        _ = Span(spec.Drain, path + ".drain");
        Require(!spec.HasLogBytesMax || spec.LogBytesMax is >= Limits.LogBytesLeast and <= Limits.LogBytesMost, path + ".log_bytes_max", $"is not between {Limits.LogBytesLeast} and {Limits.LogBytesMost}");
        if (spec.User.Length > 0 && (spec.User.Length > 64 || spec.User.Count(character => character == ':') > 1 || spec.User.Any(character => char.IsWhiteSpace(character) || char.IsControl(character))))
        {
            throw Fault.Invalid(path + ".user", $"{path}.user is no user: write a name or number, or user:group");
        }

        _ = SpecPolicy.Of(spec, path);
        int bytes = spec.CalculateSize();
        return bytes <= Limits.SpecificationBytesMax ? spec : throw Fault.Invalid(path, $"{path} has {bytes} bytes, at most {Limits.SpecificationBytesMax}");
    }

    /// <summary>Null when unset; Fault(Invalid) when it is none of our times.</summary>
    public static TimeSpan? Span(Duration? span, string field)
    {
        if (span is null)
        {
            return null;
        }

        bool isSound = span.Seconds >= 0 && span.Seconds <= (long)Limits.ServiceDelayMax.TotalSeconds && span.Nanos is >= 0 and < 1_000_000_000;
        return isSound ? span.ToTimeSpan() : throw Fault.Invalid(field, $"{field} is not between 0 and {Limits.ServiceDelayMax.TotalHours} h");
    }

    private static void Program(ServiceSpec spec, string path)
    {
        Arguments(spec.Arguments, path + ".arguments");
        if (spec.Artifact is { } artifact)
        {
            Require(spec.Command.Length == 0, path + ".command", "is set beside artifact: a service runs one of them");
            Require(artifact.Caid.Length > 0, path + ".artifact.caid", "is not set");
            Text(artifact.EntryPoint, Limits.ProgramNameBytesMax, path + ".artifact.entry_point", isLine: true);
            Require(!artifact.EntryPoint.Contains('/') && artifact.EntryPoint is not ("." or ".."), path + ".artifact.entry_point", "is no file's name: an asset is one file, so it has no '/'");
            return;
        }

        if (spec.Command.Length == 0)
        {
            throw Fault.Invalid(path + ".command", $"{path}.command is not set, and there is no artifact", "write \"command\": \"/usr/bin/...\"");
        }

        Text(spec.Command, Limits.CommandBytesMax, path + ".command", isLine: true);
        if (spec.Command.Contains('/') && spec.Command[0] != '/')
        {
            throw Fault.Invalid(path + ".command", $"{path}.command '{spec.Command}' is neither absolute nor a bare name");
        }
    }

    private static void Arguments(IReadOnlyCollection<string> arguments, string path)
    {
        if (arguments.Count > Limits.ArgumentsCountMax)
        {
            throw Fault.Invalid(path, $"{path} has {arguments.Count} entries, at most {Limits.ArgumentsCountMax}");
        }

        if (arguments.Any(argument => argument.Contains('\0')))
        {
            throw Fault.Invalid(path, $"{path} holds a NUL");
        }
    }

    private static void Environment(ServiceSpec spec, string path)
    {
        path += ".environment";
        if (spec.Environment.Count > Limits.EnvironmentCountMax)
        {
            throw Fault.Invalid(path, $"{path} has {spec.Environment.Count} entries, at most {Limits.EnvironmentCountMax}");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int index = 0; index < spec.Environment.Count; index++)
        {
            EnvironmentVariable variable = spec.Environment[index];
            string field = $"{path}[{index}]";
            if (variable.Name.Length == 0 || variable.Name.AsSpan().ContainsAny("=\0") || Encoding.UTF8.GetByteCount(variable.Name) > Limits.RecordNameBytesMax)
            {
                throw Fault.Invalid(field + ".name", $"{field}.name is no variable's name");
            }

            if (!seen.Add(variable.Name))
            {
                throw Fault.Invalid(field + ".name", $"{field}.name: {variable.Name} is set twice");
            }

            switch (variable.SourceCase)
            {
                case EnvironmentVariable.SourceOneofCase.Value when variable.Value.Contains('\0'):
                    throw Fault.Invalid(field + ".value", $"{field}.value holds a NUL");
                case EnvironmentVariable.SourceOneofCase.Config:
                    _ = RecordNames.Name(variable.Config.Document, field + ".config.document");
                    Text(variable.Config.Path, Limits.RecordNameBytesMax, field + ".config.path", isLine: true);
                    break;
                case EnvironmentVariable.SourceOneofCase.Secret:
                    throw new Fault(FaultKind.Unimplemented, $"{field}.secret: this version has no vault to read '{variable.Secret.Name}' from", field + ".secret", "give the program a file that only its user reads") { Reason = "NO_VAULT" };
                case EnvironmentVariable.SourceOneofCase.None:
                    throw Fault.Invalid(field, $"{field}: {variable.Name} has neither value nor config");
            }
        }
    }

    private static void Dependencies(ServiceSpec spec, string path)
    {
        if (spec.Dependencies is not { } dependencies)
        {
            return;
        }

        foreach ((string field, IReadOnlyList<string> names) in new[] { (path + ".requires", (IReadOnlyList<string>)dependencies.Requires), (path + ".after", dependencies.After) })
        {
            if (names.Count > Limits.ServiceDependenciesCountMax)
            {
                throw Fault.Invalid(field, $"{field} has {names.Count} entries, at most {Limits.ServiceDependenciesCountMax}");
            }

            for (int index = 0; index < names.Count; index++)
            {
                _ = ServiceNames.Parse(names[index], $"{field}[{index}]");
            }
        }
    }

    private static void Check(Probe? probe, bool isRegistered, string path)
    {
        switch (probe?.CheckCase)
        {
            case null:
                return;
            case Probe.CheckOneofCase.None:
                throw Fault.Invalid(path, $"{path} has none of exec, http, tcp and grpc");
            case Probe.CheckOneofCase.Exec when probe.Exec.Command.Length == 0:
                throw Fault.Invalid(path + ".exec.command", $"{path}.exec.command is not set");
            case Probe.CheckOneofCase.Exec:
                Text(probe.Exec.Command, Limits.CommandBytesMax, path + ".exec.command", isLine: true);
                Arguments(probe.Exec.Arguments, path + ".exec.arguments");
                break;
            case Probe.CheckOneofCase.Http:
                string url = probe.Http.Url.Length > 0 ? probe.Http.Url : "http://${AURAE_ADDRESS}";
                bool isUrl = Uri.TryCreate(InstanceVariables.Replace(url, "127.0.0.1:1"), UriKind.Absolute, out Uri? parsed) && parsed.Scheme is "http" or "https";
                Require(isUrl, path + ".http.url", "is no http URL");
                Require(probe.Http.Path.Length == 0 || probe.Http.Path[0] == '/', path + ".http.path", "does not begin with '/'");
                Require(isRegistered || probe.Http.Url.Length > 0, path + ".http.url", "is not set, and there is no registration to take the address from");
                break;
            case Probe.CheckOneofCase.Tcp:
                Address(probe.Tcp.Address, isRegistered, path + ".tcp.address");
                break;
            case Probe.CheckOneofCase.Grpc:
                Address(probe.Grpc.Address, isRegistered, path + ".grpc.address");
                break;
        }

        Range(probe.Interval, Limits.ProbeIntervalMin, Limits.ServiceDelayMax, path + ".interval");
        Range(probe.Timeout, Limits.ProbeIntervalMin, Limits.ProbeTimeoutMax, path + ".timeout");
    }

    private static void Check(Registration? registration, string path)
    {
        if (registration is null)
        {
            return;
        }

        if (registration.Service.Length > 0)
        {
            _ = RegistryRequests.Service(registration.Service, path + ".service");
        }

        string address = registration.Address;
        bool isChosen = address.EndsWith(":0", StringComparison.Ordinal);
        _ = RegistryRequests.Address(isChosen ? address[..^1] + "1" : address, path + ".address");
        Require(!isChosen || !address.Contains("://", StringComparison.Ordinal), path + ".address", "is a URL with port 0: write host:0");
        _ = RegistryRequests.Tags(registration.Tags, path + ".tags");
        Require(!registration.HasWeight || registration.Weight <= Limits.EndpointWeightMax, path + ".weight", $"is more than {Limits.EndpointWeightMax}");
        Require(registration.Needs.Count <= Limits.EndpointDependenciesCountMax, path + ".needs", $"has more than {Limits.EndpointDependenciesCountMax} entries");
        for (int index = 0; index < registration.Needs.Count; index++)
        {
            _ = RegistryRequests.Service(registration.Needs[index], $"{path}.needs[{index}]");
        }
    }

    private static void Address(string address, bool isRegistered, string field)
    {
        Require(isRegistered || address.Length > 0, field, "is not set, and there is no registration to take it from");
        if (address.Length > 0)
        {
            _ = RegistryRequests.Address(InstanceVariables.Replace(address, "127.0.0.1:1"), field);
        }
    }

    private static void Range(Duration? span, TimeSpan least, TimeSpan most, string field)
    {
        if (Span(span, field) is { } given && (given < least || given > most))
        {
            throw Fault.Invalid(field, string.Create(CultureInfo.InvariantCulture, $"{field} is not between {least.TotalSeconds} s and {most.TotalSeconds} s"));
        }
    }

    private static void Path(string path, string field)
    {
        Text(path, Limits.CommandBytesMax, field, isLine: true);
        Require(path.Length == 0 || path[0] == '/', field, "is not absolute");
    }

    private static void Mask(string mask, string field) =>
        Require(mask.Length == 0 || (mask.Length <= 4 && mask.All(digit => digit is >= '0' and <= '7') && Convert.ToInt32(mask, 8) <= 0b111_111_111), field, "is no octal mask: write 022");

    private static void Text(string text, int bytesMax, string field, bool isLine) => Require(
        Encoding.UTF8.GetByteCount(text) <= bytesMax && !text.Contains('\0') && (!isLine || !text.Any(char.IsControl)), field, $"is longer than {bytesMax} bytes or holds a control character");

    private static void Require(bool holds, string field, string wrong)
    {
        if (!holds)
        {
            throw Fault.Invalid(field, $"{field} {wrong}");
        }
    }
}
