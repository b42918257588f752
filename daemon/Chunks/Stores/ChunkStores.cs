namespace Auraed.Chunks.Stores;

/// <summary>Opens the store that a location leads to.</summary>
public static class ChunkStores
{
    /// <summary>No connection is made yet. Fault(Invalid) names the option that is wrong.</summary>
    public static IChunkStore Open(StoreLocation location, StoreOptions options, TimeProvider clock) => location.Kind switch
    {
        StoreKind.Directory => new DirectoryStore(location.Path),
        StoreKind.Http => new HttpStore(location, options, clock),
        StoreKind.Sftp => new SftpStore(location, options, clock),
        StoreKind.S3 => new S3Store(location, options, options.CredentialsFile is { } file ? S3Credentials.Read(file, options.CredentialsProfile) : null, clock),
    };
}
