namespace Auraed.Domain.Events;

/// <summary>What a consumer asks for.</summary>
/// <param name="LeaseTime">Null takes the cursor's.</param>
/// <param name="Consumer">Who takes the events, for people to see.</param>
public sealed record CursorPull(CursorName Name, int EventsMax, TimeSpan Wait, TimeSpan? LeaseTime, string Consumer);
