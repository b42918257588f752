using Auraed.Chunks.Stores;

namespace Auraed.Domain.Assets;

/// <summary>A place outside the file that assets can be archived to, as the settings name it.</summary>
/// <param name="Name">What requests and the file call it. Another place under the same name is taken for the same.</param>
/// <param name="IsReadOnly">Nothing is archived to it; what it has is read, and mends what is damaged.</param>
public sealed record ArchiveBackend(string Name, StoreLocation Location, StoreOptions Options, bool IsReadOnly);
