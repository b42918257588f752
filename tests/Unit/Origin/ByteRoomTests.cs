using Auraed.Host.Origin;

namespace Auraed.Tests.Unit.Origin;

/// <summary>Answers hold no more bytes than there is room for, however many ask.</summary>
public class ByteRoomTests
{
    [Fact]
    public async Task Who_finds_no_room_waits_until_others_need_less_or_none()
    {
        var room = new ByteRoom(100);
        var first = await room.EnterAsync(60, default);
        var second = room.EnterAsync(60, default);
        var third = room.EnterAsync(10, default);
        Assert.Equal((false, false), (second.IsCompleted, third.IsCompleted));
        first.ShrinkTo(40);
        using var entered = await second;
        Assert.False(third.IsCompleted);
        first.Dispose();
        using var last = await third;
        first.Dispose();
        var fourth = room.EnterAsync(31, default);
        Assert.False(fourth.IsCompleted);
        entered.ShrinkTo(59);
        using var fits = await fourth;
    }

    [Fact]
    public async Task One_who_goes_away_holds_up_nobody_and_keeps_nothing()
    {
        var room = new ByteRoom(100);
        var first = await room.EnterAsync(60, default);
        using var stop = new CancellationTokenSource();
        var second = room.EnterAsync(100, stop.Token);
        var third = room.EnterAsync(40, default);
        Assert.False(third.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        using (await third)
        {
            first.Dispose();
        }

        using var all = await room.EnterAsync(100, default);
    }

    [Fact]
    public async Task However_they_come_and_go_all_room_is_there_at_the_end()
    {
        const int bytes = 1000;
        var room = new ByteRoom(bytes);
        var held = 0L;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async seed =>
        {
            var random = new Random(seed);
            for (var round = 0; round < 300; round++)
            {
                using var stop = new CancellationTokenSource();
                var wanted = random.Next(bytes + 1);
                var entering = room.EnterAsync(wanted, stop.Token);
                await Task.Yield();
                if (random.Next(3) == 0)
                {
                    await stop.CancelAsync();
                }

                try
                {
                    using var share = await entering;
                    Assert.InRange(Interlocked.Add(ref held, wanted), 0, bytes);
                    await Task.Yield();
                    Interlocked.Add(ref held, -wanted);
                }
                catch (OperationCanceledException)
                {
                    // Gone before it was let in.
                }
            }
        }));
        Assert.True(room.EnterAsync(bytes, default).IsCompletedSuccessfully);
    }
}
