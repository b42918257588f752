namespace Auraed.Domain.Events;

/// <summary>An application's event as a request gives it, parsed and within its limits.</summary>
/// <param name="Payload">The encoded google.protobuf.Any.</param>
/// <param name="Expected">The last event of the subject's stream before this call, 0 for none; null does not ask.</param>
public sealed record EventDraft(string Kind, string Subject, byte[] Payload, long? Expected);
