using System.Security.Cryptography;
using Aurae.Assets.V0;
using Aurae.Services.V0;
using Auraed.Base;
using Auraed.Domain.Assets;
using Auraed.Store;
using Auraed.Store.Assets;
using Auraed.Store.Records;
using Auraed.Store.Services;
using Auraed.Supervise;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Auraed.Domain.Services;

/// <summary>
/// Programs that services run out of assets. Invariants: a program is executed only when its bytes were compared with the asset's digest; what no version of a
/// service runs is removed, at the latest by the next start.
/// </summary>
internal sealed class ServicePrograms(Database database, ContentReader contents, ProgramFiles files, ILogger logger)
{
    private const int HeadBytes = 16;
    private readonly KeyedLocks _locks = new();

    /// <summary>The name that the program is executed under.</summary>
    public static string NameOf(ServiceSpec spec) => spec.Artifact.EntryPoint.Length > 0 ? spec.Artifact.EntryPoint : spec.Name;

    /// <summary>
    /// The specification with the id of its asset in place of a tag, once the program stands on the disk. Fault(NotFound) when there is no such asset, Fault(Precondition) when it is no program.
    /// </summary>
    public async Task<ServiceSpec> ResolveAsync(string tenant, ServiceSpec spec, CancellationToken cancel)
    {
        if (spec.Artifact is null)
        {
            return spec;
        }

        AssetName name = AssetRequests.Name(tenant, spec.Artifact.Caid, "spec.artifact.caid");
        (StoredRecord asset, StoredContent content) = await database.ReadAsync(unit => Open(unit, name), cancel).ConfigureAwait(false);
        await RequireProgramAsync(asset, content, cancel).ConfigureAwait(false);
        ServiceSpec resolved = spec.Clone();
        resolved.Artifact.Caid = asset.Name;
        _ = await EnsureAsync(tenant, resolved, cancel).ConfigureAwait(false);
        return resolved;
    }

    /// <summary>The directory that holds the program, which is there and checked.</summary>
    public async Task<string> EnsureAsync(string tenant, ServiceSpec spec, CancellationToken cancel)
    {
        (string id, string program) = (spec.Artifact.Caid, NameOf(spec));
        using IDisposable turn = await _locks.TakeAsync(id, cancel).ConfigureAwait(false);
        (StoredRecord stored, StoredContent content) = await database.ReadAsync(unit => Open(unit, new AssetName(tenant, id, IsId: true)), cancel).ConfigureAwait(false);
        var asset = (Asset)stored.Body;
        try
        {
            if (!files.IsSound(id, program, asset.Sha256))
            {
                await WriteAsync(asset, content, program, cancel).ConfigureAwait(false);
                Log.ProgramWritten(logger, program, id, asset.Size);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Exhausted, $"asset {id} cannot be written to {files.DirectoryOf(id)}: {failure.Message}", hint: $"df {Path.GetDirectoryName(files.DirectoryOf(id))}", cause: failure) { Reason = "PROGRAM_NOT_WRITTEN" };
        }

        return files.DirectoryOf(id);
    }

    /// <summary>Removes programs that no version runs, and what interrupted runs left; tells each in a sentence.</summary>
    public async Task<List<string>> SweepAsync(CancellationToken cancel)
    {
        var told = new List<string>();
        foreach (string id in files.Ids)
        {
            using IDisposable turn = await _locks.TakeAsync(id, cancel).ConfigureAwait(false);
            bool isKept = await database.ReadAsync(unit => ServiceRows.RunsAsset(unit, id), cancel).ConfigureAwait(false);
            try
            {
                if (isKept)
                {
                    files.RemovePartial(id);
                    continue;
                }

                files.Remove(id);
                told.Add($"program {id} is run by no service and is gone");
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                told.Add($"program {id} cannot be removed: {failure.Message}");
                Log.ProgramNotRemoved(logger, id, failure.Message);
            }
        }

        return told;
    }

    private static (StoredRecord Asset, StoredContent Content) Open(ReadUnit unit, AssetName name)
    {
        try
        {
            return AssetCatalog.Open(unit, name);
        }
        catch (Fault fault) when (fault.Kind == FaultKind.NotFound)
        {
            throw new Fault(FaultKind.NotFound, fault.Message, "spec.artifact.caid", "auraed assets ls") { Reason = "ASSET_NOT_FOUND" };
        }
    }

    /// <summary>What the kernel executes begins with ELF's magic or with "#!" (execve(2)).</summary>
    private async Task RequireProgramAsync(StoredRecord asset, StoredContent content, CancellationToken cancel)
    {
        var head = new List<byte>(HeadBytes);
        await contents.InflateAsync(content, 0, Math.Min(HeadBytes, content.Size), "asset " + asset.Name, bytes => head.AddRange(bytes), cancel).ConfigureAwait(false);
        bool isProgram = head is [0x7F, (byte)'E', (byte)'L', (byte)'F', ..] or [(byte)'#', (byte)'!', ..];
        if (!isProgram || content.Size > Limits.ProgramBytesMax)
        {
            throw new Fault(
                FaultKind.Precondition,
                isProgram ? $"asset {asset.Name} has {content.Size} bytes; a program has at most {Limits.ProgramBytesMax}" : $"asset {asset.Name} is no program: it begins with neither ELF's magic nor \"#!\"",
                "spec.artifact.caid",
                "put the program itself, one file: auraed assets put PROGRAM")
            { Reason = "NO_PROGRAM" };
        }
    }

    private async Task WriteAsync(Asset asset, StoredContent content, string program, CancellationToken cancel)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        bool isWhole = false;
        try
        {
            using (SafeFileHandle file = files.Begin(asset.Id, program))
            {
                long offset = 0;
                await contents.InflateAsync(content, 0, content.Size, "asset " + asset.Id, Take, cancel).ConfigureAwait(false);

                void Take(ReadOnlySpan<byte> bytes)
                {
                    RandomAccess.Write(file, bytes, offset);
                    hash.AppendData(bytes);
                    offset += bytes.Length;
                    CrashPoint.Reach("service.extracting");
                }
            }

            isWhole = Convert.ToHexStringLower(hash.GetHashAndReset()) == asset.Sha256;
            if (!isWhole)
            {
                throw new Fault(FaultKind.Corrupt, $"asset {asset.Id} does not have its SHA-256 {asset.Sha256}", hint: "auraed verify") { Reason = "ASSET_DAMAGED" };
            }

            CrashPoint.Reach("service.extracted");
            files.Publish(asset.Id, program);
            CrashPoint.Reach("service.published");
        }
        catch when (!isWhole)
        {
            files.Abandon(asset.Id, program);
            throw;
        }
    }
}
