using Auraed.Base;
using Auraed.Domain.Assets;
using Microsoft.Extensions.Logging;

namespace Auraed.Host;

/// <summary>What the daemon's own care for its chunks came to, in the log.</summary>
internal static class AssetCareLog
{
    public static AssetCareTold To(ILogger logger) => new(
        result =>
        {
            if (result.RemovedChunkCount + result.CondemnedChunkCount + result.FreedChunkCount > 0)
            {
                Log.Collected(logger, result.RemovedChunkCount, result.RemovedStoredSize, result.CondemnedChunkCount);
            }
        },
        damaged => Log.ChunkDamaged(
            logger,
            Convert.ToHexStringLower(damaged.Id.Span),
            damaged.Reason,
            string.Join(", ", damaged.Assets.Select(asset => $"{asset.Tenant}/{asset.Id}").DefaultIfEmpty("no asset")),
            damaged.MendedFrom.Length > 0 ? damaged.MendedFrom : "nowhere"),
        (what, fault) =>
        {
            if (what == "scrub")
            {
                Log.ScrubFailed(logger, fault.Message);
            }
            else
            {
                Log.CollectionFailed(logger, fault.Message);
            }
        });
}
