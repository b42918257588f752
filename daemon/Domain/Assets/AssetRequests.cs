using System.Buffers;
using System.Text;
using Aurae.Assets.V0;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Domain.Records;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using ChunkSizes = Auraed.Chunks.ChunkSizes;

namespace Auraed.Domain.Assets;

/// <summary>How an asset is named by a request: its id, or a tag.</summary>
internal readonly record struct AssetName(string Tenant, string Text, bool IsId);

/// <summary>An upload as its header asks for it.</summary>
/// <param name="Id">Null for one that cannot be resumed.</param>
/// <param name="Tag">Null for none.</param>
internal sealed record UploadPlan(
    string Tenant, string? Id, string Title, string MediaType, IReadOnlyDictionary<string, string> Labels, ChunkSizes Sizes, long Offset, string? Tag, byte[] Header)
{
    /// <summary>What it is called in faults.</summary>
    public string Name => Id is null ? "the upload" : $"upload '{Id}'";
}

/// <summary>From requests to commands that cannot be wrong; what is wrong is a Fault(Invalid) that names the field.</summary>
internal static class AssetRequests
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    public static AssetName Name(string tenant, string text, string field = "asset")
    {
        string owner = RecordNames.Tenant(tenant);
        return IsDigest(text) ? new AssetName(owner, text, true) : new AssetName(owner, RecordNames.Name(text, field), false);
    }

    /// <summary>A name that cannot be taken for an asset's id.</summary>
    public static string Label(string text, string field) =>
        IsDigest(text) ? throw Fault.Invalid(field, $"{field} looks like an asset's id, so that nobody could tell what it names") : RecordNames.Name(text, field);

    public static UploadPlan Header(UploadRequest request)
    {
        UploadHeader header = request.Header ?? throw Fault.Invalid("header", "the first message of an upload is its header");
        string mediaType = header.MediaType.Length == 0 ? "application/octet-stream" : header.MediaType;
        if (mediaType.Length > Limits.AssetMediaTypeCharactersMax || mediaType.Any(character => character is <= ' ' or > '~'))
        {
            throw Fault.Invalid("header.media_type", $"header.media_type is not 1 to {Limits.AssetMediaTypeCharactersMax} printable characters without blanks");
        }

        if (header.Offset < 0)
        {
            throw Fault.Invalid("header.offset", "header.offset is less than 0");
        }

        return new UploadPlan(
            RecordNames.Tenant(header.Tenant, "header.tenant"),
            header.UploadId.Length == 0 ? null : UploadId(header.UploadId, "header.upload_id"),
            header.Title.Length == 0 ? string.Empty : RecordNames.Name(header.Title, "header.title"),
            mediaType,
            RecordNames.Labels(header.Labels, "header.labels"),
            Sizes(header.ChunkSizes),
            header.Offset,
            header.Tag.Length == 0 ? null : Label(header.Tag, "header.tag"),
            header.ToByteArray());
    }

    /// <summary>A name that an index can have, without its extension.</summary>
    public static string Publication(string name)
    {
        _ = IndexName.Parse(name + IndexName.Extension, "name");
        return RecordNames.Name(name, "name");
    }

    public static string UploadId(string text, string field = "upload_id")
    {
        if (text.Length == 0 || Encoding.UTF8.GetByteCount(text) > Limits.AssetUploadIdBytesMax || text.Any(char.IsControl))
        {
            throw Fault.Invalid(field, $"{field} is empty, longer than {Limits.AssetUploadIdBytesMax} bytes, or holds a control character");
        }

        return text;
    }

    public static ChunkSizes Sizes(Aurae.Assets.V0.ChunkSizes? sizes)
    {
        if (sizes is null || sizes is { Min: 0, Avg: 0, Max: 0 })
        {
            return ChunkSizes.Default;
        }

        return sizes.Max <= Limits.AssetChunkBytesMax && ChunkSizes.TryCreate(sizes.Min, sizes.Avg, sizes.Max, out ChunkSizes parsed)
            ? parsed
            : throw Fault.Invalid("header.chunk_sizes", $"header.chunk_sizes {sizes.Min}:{sizes.Avg}:{sizes.Max} is not 1 <= min <= avg <= max <= {Limits.AssetChunkBytesMax}");
    }

    public static List<ChunkId> Ids(IReadOnlyCollection<ByteString> ids)
    {
        if (ids.Count > Limits.AssetIdsCountMax)
        {
            throw Fault.Invalid("ids", $"ids has {ids.Count} entries, at most {Limits.AssetIdsCountMax}");
        }

        var parsed = new List<ChunkId>(ids.Count);
        foreach (ByteString id in ids)
        {
            parsed.Add(Id(id, $"ids[{parsed.Count}]"));
        }

        return parsed;
    }

    public static ChunkId Id(ByteString id, string field) =>
        id.Length == ChunkId.Bytes ? new ChunkId(id.Span) : throw Fault.Invalid(field, $"{field} has {id.Length} bytes, a chunk's id has {ChunkId.Bytes}");

    /// <summary>Null for an empty text.</summary>
    public static string? Digest(string text, string field)
    {
        if (text.Length == 0)
        {
            return null;
        }

        return IsDigest(text) ? text : throw Fault.Invalid(field, $"{field} is not {ChunkId.Characters} lower-case hexadecimal digits");
    }

    public static TimeSpan Span(Duration? duration, TimeSpan unset, TimeSpan least, TimeSpan most, string field)
    {
        if (duration is null)
        {
            return unset;
        }

        bool isSound = duration.Seconds >= 0 && duration.Seconds <= most.TotalSeconds && duration.Nanos is >= 0 and < 1_000_000_000;
        TimeSpan span = isSound ? duration.ToTimeSpan() : TimeSpan.MinValue;
        return span >= least && span <= most ? span : throw Fault.Invalid(field, $"{field} is not between {least.TotalSeconds:0} and {most.TotalSeconds:0} seconds");
    }

    private static bool IsDigest(string text) => text.Length == ChunkId.Characters && !text.AsSpan().ContainsAnyExcept(HexDigits);
}
