using Aurae.Events.V0;

namespace Auraed.Domain.Events;

/// <summary>A cursor's name in its tenant.</summary>
public readonly record struct CursorName(string Tenant, string Name);

/// <summary>Where a cursor goes on; both null for now.</summary>
/// <param name="After">The event before.</param>
/// <param name="Since">Nanoseconds since 1970 UTC.</param>
public readonly record struct CursorPlace(long? After, long? Since);

/// <summary>A cursor to be made.</summary>
/// <param name="Filter">With its tenant.</param>
public sealed record CursorDraft(CursorName Name, EventFilter Filter, TimeSpan LeaseTime, int InFlightMax, int DeliveriesMax, CursorPlace Start);
