using System.Globalization;
using Auraed.Base;
using Auraed.Chunks;
using Auraed.Chunks.Stores;
using Auraed.Domain.Assets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Auraed.Host.Origin;

/// <summary>
/// What casync and desync ask for, and what a cache before us needs to know: GET and HEAD of <c>/4hex/64hex.cacnk</c> and <c>/index/NAME.caibx</c>, 200 or 404, the length always
/// told, nothing encoded. A chunk is what its name says and may be kept for ever; an index may change its content under its name. ETag, If-None-Match, one range. What is served has one
/// spelling: another one would be another object to a cache, and nobody would have the cache forget it.
/// </summary>
internal sealed class OriginAnswers(AssetOrigin assets, ILogger logger)
{
    private const string IndexFolder = "/index/";
    private const string ForEver = "public, max-age=31536000, immutable";
    private const string Never = "no-store";
    private const string AskAgain = "public, max-age=60, must-revalidate";

    // Before its length is known, a chunk is taken for the longest.
    private static readonly int ChunkBytesMax = ChunkFile.BytesMax(Limits.AssetChunkBytesMax);

    private readonly ByteRoom _room = new(Limits.OriginBytesMax);

    public async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD";
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        try
        {
            var path = request.Path.Value ?? "";
            if (!IsCanonical(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, path))
            {
                Missing(context);
            }
            else if (TryParseChunk(path, out var id))
            {
                await AnswerChunkAsync(context, id);
            }
            else if (path.StartsWith(IndexFolder, StringComparison.Ordinal) && IndexName.TryParse(path[IndexFolder.Length..], out var name))
            {
                await AnswerIndexAsync(context, name);
            }
            else
            {
                Missing(context);
            }
        }
        catch (Fault fault) when (!context.Response.HasStarted)
        {
            Log.OriginFailed(logger, request.Path.Value ?? "", fault.Message);
            context.Response.Headers.Clear();
            context.Response.Headers.CacheControl = Never;
            context.Response.StatusCode = fault.IsTransient ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status500InternalServerError;
        }
        catch (Fault fault)
        {
            // Half an answer must not look like a whole one.
            Log.OriginFailed(logger, request.Path.Value ?? "", fault.Message);
            context.Abort();
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be answered.
        }
    }

    /// <summary>True when the target is the path itself, with nothing encoded and no query, be it with the host before it or not.</summary>
    internal static bool IsCanonical(ReadOnlySpan<char> target, string path)
    {
        var scheme = target.IndexOf("://");
        if (scheme > 0 && target[0] != '/')
        {
            target = target[(scheme + 3)..];
            target = target[Math.Max(0, target.IndexOf('/'))..];
        }

        return target.SequenceEqual(path);
    }

    /// <summary>The path casync makes of an id.</summary>
    internal static bool TryParseChunk(ReadOnlySpan<char> path, out ChunkId id)
    {
        id = default;
        return path.Length == 1 + 4 + 1 + ChunkId.Characters + ChunkFile.Extension.Length
            && path[0] == '/' && path[5] == '/' && path.EndsWith(ChunkFile.Extension, StringComparison.Ordinal)
            && ChunkId.TryParse(path.Slice(6, ChunkId.Characters), out id) && path[1..5].SequenceEqual(path[6..10]);
    }

    private async Task AnswerChunkAsync(HttpContext context, ChunkId id)
    {
        using var share = await _room.EnterAsync(ChunkBytesMax, context.RequestAborted);
        if (await assets.FindChunkAsync(id, context.RequestAborted) is not { } chunk)
        {
            Missing(context);
            return;
        }

        share.ShrinkTo(chunk.File.Length);
        if (Head(context, $"\"{chunk.Tag}\"", ForEver, chunk.File.Length) is not var (from, to))
        {
            return;
        }

        // The head leaves with the first piece in one packet, and the server's copy of a long chunk is never whole.
        for (var next = from; next < to; next += Limits.OriginPieceBytes)
        {
            await context.Response.BodyWriter.WriteAsync(chunk.File[(int)next..(int)Math.Min(next + Limits.OriginPieceBytes, to)], context.RequestAborted);
        }
    }

    private async Task AnswerIndexAsync(HttpContext context, IndexName name)
    {
        if (await assets.FindIndexAsync(name, context.RequestAborted) is not { } index)
        {
            Missing(context);
            return;
        }

        if (Head(context, $"\"{index.Id}\"", AskAgain, index.Bytes) is not var (from, to))
        {
            return;
        }

        long offset = 0;
        await foreach (var piece in index.Pieces.WithCancellation(context.RequestAborted))
        {
            var first = Math.Clamp(from - offset, 0, piece.Length);
            var last = Math.Clamp(to - offset, 0, piece.Length);
            offset += piece.Length;
            if (last > first)
            {
                await context.Response.BodyWriter.WriteAsync(piece.AsMemory((int)first, (int)(last - first)), context.RequestAborted);
            }

            if (offset >= to)
            {
                break;
            }
        }
    }

    /// <summary>Writes the head, and returns which bytes of the content are to follow; null for none.</summary>
    private static (long From, long To)? Head(HttpContext context, string tag, string caching, long length)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.ETag = tag;
        response.Headers.CacheControl = caching;
        response.Headers.AcceptRanges = "bytes";
        if (Names(request.Headers.IfNoneMatch.ToString(), tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return null;
        }

        var (from, to) = (0L, length);
        var isRange = request.Headers.Range.Count > 0 && HttpMethods.IsGet(request.Method) && (request.Headers.IfRange.Count == 0 || request.Headers.IfRange == tag)
            && TryParseRange(request.Headers.Range.ToString(), length, out from, out to);
        if (isRange && from >= to)
        {
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{length}");
            response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
            response.ContentLength = 0;
            return null;
        }

        if (isRange)
        {
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{to - 1}/{length}");
            response.StatusCode = StatusCodes.Status206PartialContent;
        }

        response.ContentType = "application/octet-stream";
        response.ContentLength = to - from;
        return HttpMethods.IsHead(request.Method) ? null : (from, to);
    }

    private static void Missing(HttpContext context)
    {
        // What is not there may be published the next moment.
        context.Response.Headers.CacheControl = Never;
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        context.Response.ContentLength = 0;
    }

    private static bool Names(string header, string tag) =>
        header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Any(given => given == "*" || given == tag || given == "W/" + tag);

    /// <summary>
    /// RFC 9110, section 14.1.2: <c>bytes=a-b</c>, <c>bytes=a-</c> or <c>bytes=-n</c>. False for what may be ignored: other units, more than one range, no number. A range that
    /// lies behind the end is an empty one.
    /// </summary>
    internal static bool TryParseRange(string header, long length, out long from, out long to)
    {
        (from, to) = (0, length);
        var dash = header.IndexOf('-');
        if (!header.StartsWith("bytes=", StringComparison.Ordinal) || dash < 0)
        {
            return false;
        }

        var (first, last) = (header[6..dash], header[(dash + 1)..]);
        if (first.Length == 0)
        {
            if (!TryParseNumber(last, out var count))
            {
                return false;
            }

            from = Math.Max(0, length - count);
            return true;
        }

        if (!TryParseNumber(first, out from) || (last.Length > 0 && !TryParseNumber(last, out to)) || (last.Length > 0 && to < from))
        {
            (from, to) = (0, length);
            return false;
        }

        to = last.Length == 0 ? length : Math.Min(to, length - 1) + 1;
        return true;
    }

    private static bool TryParseNumber(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
