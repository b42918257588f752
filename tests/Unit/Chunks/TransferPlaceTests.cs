using Auraed.Base;
using Auraed.Domain.Assets;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Chunks;

/// <summary>Who waits for his caller too long gives way, who does not keeps his place, and no tenant has all.</summary>
public class TransferPlaceTests
{
    private static readonly Fault Ended = new(FaultKind.Aborted, "ended");

    private readonly ManualTime _time = new(DateTimeOffset.UnixEpoch);
    private readonly TransferPlaces _places;

    public TransferPlaceTests() => _places = new TransferPlaces(new TransferBounds("moves", "TOO_MANY_MOVES", CountMax: 3, OfTenantMax: 2), _time);

    [Fact]
    public async Task The_one_that_waits_longest_is_ended_and_only_when_its_place_is_needed()
    {
        using var first = _places.Enter("a", Ended);
        var firstWaits = first.WaitAsync(new TaskCompletionSource().Task);
        _time.Move(TimeSpan.FromSeconds(1));
        using var second = _places.Enter("a", Ended);
        var secondWaits = second.WaitAsync(new TaskCompletionSource().Task);
        _time.Move(Limits.TransferIdleMax - TimeSpan.FromSeconds(2));
        Assert.Equal("TOO_MANY_MOVES", Assert.Throws<Fault>(() => _places.Enter("a", Ended)).Reason);
        _time.Move(TimeSpan.FromHours(1));
        Assert.False(firstWaits.IsCompleted || secondWaits.IsCompleted);
        using var third = _places.Enter("a", Ended);
        Assert.Same(Ended, await Assert.ThrowsAsync<Fault>(() => firstWaits));
        Assert.False(secondWaits.IsCompleted);
        // The place that was lost is not given back once more.
        first.Dispose();
        using var fourth = _places.Enter("a", Ended);
        Assert.Same(Ended, await Assert.ThrowsAsync<Fault>(() => secondWaits));
        Assert.Throws<Fault>(() => _places.Enter("a", Ended));
    }

    [Fact]
    public async Task One_that_works_is_never_ended_and_a_message_begins_the_time_anew()
    {
        using var working = _places.Enter("a", Ended);
        using var served = _places.Enter("a", Ended);
        _time.Move(TimeSpan.FromHours(1));
        await served.WaitAsync(Task.CompletedTask);
        var message = new TaskCompletionSource();
        var waits = served.WaitAsync(message.Task);
        _time.Move(Limits.TransferIdleMax - TimeSpan.FromTicks(1));
        message.SetResult();
        await waits;
        waits = served.WaitAsync(new TaskCompletionSource().Task);
        _time.Move(TimeSpan.FromSeconds(1));
        Assert.Throws<Fault>(() => _places.Enter("a", Ended));
        Assert.False(waits.IsCompleted);
    }

    [Fact]
    public async Task A_tenant_with_its_share_takes_no_other_tenants_place()
    {
        using var first = _places.Enter("a", Ended);
        using var second = _places.Enter("a", Ended);
        using var other = _places.Enter("b", Ended);
        var otherWaits = other.WaitAsync(new TaskCompletionSource().Task);
        _time.Move(Limits.TransferIdleMax);
        Assert.Contains("tenant 'a'", Assert.Throws<Fault>(() => _places.Enter("a", Ended)).Message, StringComparison.Ordinal);
        Assert.False(otherWaits.IsCompleted);
        using var next = _places.Enter("c", Ended);
        Assert.Same(Ended, await Assert.ThrowsAsync<Fault>(() => otherWaits));
    }

    [Fact]
    public async Task What_a_message_fails_with_is_passed_on()
    {
        using var place = _places.Enter("a", Ended);
        await Assert.ThrowsAsync<IOException>(() => place.WaitAsync(Task.FromException(new IOException())));
        Assert.Equal(TimeSpan.Zero, place.Idle);
    }
}
