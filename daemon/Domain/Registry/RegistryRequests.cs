using System.Buffers;
using System.Globalization;
using System.Text;
using Aurae.Registry.V0;
using Auraed.Base;
using Auraed.Domain.Records;
using Auraed.Store.Registry;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Registry;

/// <summary>What a Resolve asks for, checked.</summary>
public sealed record ResolveCommand(string Tenant, string Service, IReadOnlyList<string> Tags, bool AnyHealth, ResolveOrder Order, int Limit);

/// <summary>What a Heartbeat tells, checked.</summary>
/// <param name="Health">Unspecified for no change.</param>
public sealed record HeartbeatCommand(string Tenant, IReadOnlyList<string> Ids, EndpointHealth Health, string Note);

/// <summary>From requests to commands that cannot be wrong; what is wrong is a Fault(Invalid) that names the field.</summary>
public static class RegistryRequests
{
    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private static readonly SearchValues<char> TagCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/=:-");

    /// <summary>DNS labels joined by dots, in lower case.</summary>
    public static string Service(string text, string field = "service")
    {
        bool isSound = text.Length is > 0 and <= Limits.ServiceNameCharactersMax && text.Split('.').All(
            label => label.Length is > 0 and <= Limits.ServiceLabelCharactersMax && !label.AsSpan().ContainsAnyExcept(LabelCharacters) && label[0] != '-' && label[^1] != '-');
        return isSound ? text : throw Fault.Invalid(
            field, $"{field} is no service's name: 1 to {Limits.ServiceNameCharactersMax} of a-z, 0-9, '-' and '.', each part between dots neither begun nor ended by '-'", "write it as web or db.internal");
    }

    /// <summary>The entry as it is kept: tags and dependencies sorted and single, the id made where none is given.</summary>
    public static RegistryEntry Entry(RegistryEntry? given)
    {
        RegistryEntry entry = given?.Clone() ?? throw Fault.Invalid("entry", "entry is not set");
        entry.Service = Service(entry.Service, "entry.service");
        entry.Address = Address(entry.Address, "entry.address");
        entry.Id = RecordNames.Name(entry.Id.Length > 0 ? entry.Id : $"{entry.Service}@{entry.Address}", "entry.id");
        string[] tags = Tags(entry.Tags, "entry.tags");
        entry.Tags.Clear();
        entry.Tags.AddRange(tags);
        if (entry.HasWeight && entry.Weight > Limits.EndpointWeightMax)
        {
            throw Fault.Invalid("entry.weight", $"entry.weight is more than {Limits.EndpointWeightMax}");
        }

        entry.Health = Health(entry.Health, "entry.health");
        entry.Note = Note(entry.Note, "entry.note");
        _ = Ttl(entry.Ttl, "entry.ttl");
        if (entry.Owner.Length > 0)
        {
            throw Fault.Invalid("entry.owner", "entry.owner is set by the daemon alone");
        }

        if (entry.Dependencies.Count > Limits.EndpointDependenciesCountMax)
        {
            throw Fault.Invalid("entry.dependencies", $"entry.dependencies has {entry.Dependencies.Count} entries, at most {Limits.EndpointDependenciesCountMax}");
        }

        string[] needed = [.. entry.Dependencies.Select((need, index) => Service(need.Service, $"entry.dependencies[{index}].service")).Distinct().Order(StringComparer.Ordinal)];
        entry.Dependencies.Clear();
        entry.Dependencies.AddRange(needed.Select(service => new Dependency { Service = service }));
        return entry;
    }

    public static HeartbeatCommand Heartbeat(HeartbeatRequest request)
    {
        if (request.Ids.Count is 0 or > Limits.HeartbeatIdsCountMax)
        {
            throw Fault.Invalid("ids", $"ids has {request.Ids.Count} entries: 1 to {Limits.HeartbeatIdsCountMax}");
        }

        string[] ids = [.. request.Ids.Select((id, index) => RecordNames.Name(id, $"ids[{index}]")).Distinct()];
        return new HeartbeatCommand(RecordNames.Tenant(request.Tenant), ids, Health(request.Health, "health"), Note(request.Note, "note"));
    }

    public static EntrySelection List(ListEntriesRequest request)
    {
        int count = Count(request.PageSize, Limits.EntriesListedCountMax, "page_size");
        string? service = request.Service.Length == 0 ? null : Service(request.Service);
        string? after = request.After.Length == 0 ? null : RecordNames.Name(request.After, "after");
        return new EntrySelection(RecordNames.Tenant(request.Tenant), service, Tags(request.Tags, "tags"), after, IsById: true, count);
    }

    public static ResolveCommand Resolve(ResolveRequest request)
    {
        if (request.Order is not (ResolveOrder.First or ResolveOrder.Weighted))
        {
            throw Fault.Invalid("order", $"order {(int)request.Order} is not known");
        }

        return new ResolveCommand(
            RecordNames.Tenant(request.Tenant),
            Service(request.Service),
            Tags(request.Tags, "tags"),
            request.AnyHealth,
            request.Order,
            Count(request.Limit, Limits.EntriesResolvedCountMax, "limit"));
    }

    /// <summary>Null for no lease.</summary>
    public static TimeSpan? Ttl(Duration? ttl, string field)
    {
        if (ttl is null)
        {
            return null;
        }

        bool isSound = ttl.Nanos is >= 0 and < 1_000_000_000 && ttl.Seconds >= 0 && ttl.Seconds <= (long)Limits.LeaseTimeMax.TotalSeconds
            && ttl.ToTimeSpan() >= Limits.LeaseTimeMin && ttl.ToTimeSpan() <= Limits.LeaseTimeMax;
        return isSound ? ttl.ToTimeSpan() : throw Fault.Invalid(
            field, string.Create(CultureInfo.InvariantCulture, $"{field} is not between {Limits.LeaseTimeMin.TotalSeconds} s and {Limits.LeaseTimeMax.TotalDays} days"), "leave it out for an entry without a lease");
    }

    /// <summary>Where a client connects to; nothing is looked up.</summary>
    public static string Address(string text, string field)
    {
        if (text.Length == 0 || Encoding.UTF8.GetByteCount(text) > Limits.EndpointAddressBytesMax || text.Any(character => char.IsControl(character) || char.IsWhiteSpace(character)))
        {
            throw Fault.Invalid(field, $"{field} is not 1 to {Limits.EndpointAddressBytesMax} bytes without blanks");
        }

        if (text.Contains("://", StringComparison.Ordinal))
        {
            return Uri.TryCreate(text, UriKind.Absolute, out _) ? text : throw Fault.Invalid(field, $"{field}: '{text}' is no URL");
        }

        if (text.StartsWith("unix:/", StringComparison.Ordinal))
        {
            return text;
        }

        int colon = text.LastIndexOf(':');
        bool isBracketed = text[0] == '[' && colon > 0 && text[colon - 1] == ']';
        bool isSound = colon > 0 && (isBracketed || !text.AsSpan(0, colon).Contains(':'))
            && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0;
        return isSound ? text : throw Fault.Invalid(field, $"{field}: '{text}' is no address", "write host:port, [address]:port, unix:/path or a URL");
    }

    /// <summary>Sorted, each once.</summary>
    public static string[] Tags(IReadOnlyCollection<string> tags, string field)
    {
        if (tags.Count > Limits.EndpointTagsCountMax)
        {
            throw Fault.Invalid(field, $"{field} has {tags.Count} entries, at most {Limits.EndpointTagsCountMax}");
        }

        int index = 0;
        foreach (string tag in tags)
        {
            if (tag.Length is 0 or > Limits.EndpointTagCharactersMax || tag.AsSpan().ContainsAnyExcept(TagCharacters))
            {
                throw Fault.Invalid($"{field}[{index}]", $"{field}[{index}] is not 1 to {Limits.EndpointTagCharactersMax} of a-z A-Z 0-9 . _ / = : -");
            }

            index++;
        }

        return [.. tags.Distinct().Order(StringComparer.Ordinal)];
    }

    private static EndpointHealth Health(EndpointHealth health, string field) =>
        health is >= EndpointHealth.Unspecified and <= EndpointHealth.Draining ? health : throw Fault.Invalid(field, $"{field} {(int)health} is not known");

    private static string Note(string note, string field) => Encoding.UTF8.GetByteCount(note) <= Limits.EndpointNoteBytesMax && !note.Any(char.IsControl)
        ? note
        : throw Fault.Invalid(field, $"{field} is longer than {Limits.EndpointNoteBytesMax} bytes or holds a control character");

    private static int Count(int wanted, int most, string field) => wanted switch
    {
        < 0 => throw Fault.Invalid(field, $"{field} is less than 0"),
        0 => most,
        _ => Math.Min(wanted, most),
    };
}
