using Auraed.Store;

namespace Auraed.Tests.Unit;

/// <summary>Who waits for the log to grow is woken by what he waits for, and by nothing before it.</summary>
public sealed class SequenceWaitsTests
{
    private readonly SequenceWaits _waits = new();

    [Fact]
    public void Only_those_are_woken_whose_sequence_is_passed()
    {
        var near = _waits.Enter(5);
        var far = _waits.Enter(4096);
        _waits.Grown(5);
        Assert.False(near.Done.Task.IsCompleted);
        _waits.Grown(6);
        Assert.True(near.Done.Task.IsCompletedSuccessfully);
        Assert.False(far.Done.Task.IsCompleted);
        _waits.Grown(10_000);
        Assert.True(far.Done.Task.IsCompletedSuccessfully);
        Assert.Equal(0, _waits.Count);
    }

    [Fact]
    public void Those_who_wait_for_the_same_share_it_and_the_last_one_takes_it_along()
    {
        var one = _waits.Enter(7);
        var other = _waits.Enter(7);
        Assert.Same(one, other);
        _waits.Leave(one);
        Assert.Equal(1, _waits.Count);
        _waits.Leave(other);
        Assert.Equal(0, _waits.Count);

        // What is left late, after it was passed, is not somebody else's.
        var passed = _waits.Enter(7);
        _waits.Grown(8);
        var next = _waits.Enter(7);
        _waits.Leave(passed);
        Assert.NotSame(passed, next);
        Assert.Equal(1, _waits.Count);
    }

    [Fact]
    public async Task A_log_that_ends_ends_every_wait()
    {
        var waits = new[] { _waits.Enter(1), _waits.Enter(2) };
        _waits.Fail(new IOException("gone"));
        foreach (var wait in waits)
        {
            await Assert.ThrowsAsync<IOException>(() => wait.Done.Task);
        }

        Assert.Equal(0, _waits.Count);
    }

    [Fact]
    public async Task Nobody_sleeps_past_what_came_while_he_entered()
    {
        const long last = 200_000;
        long grown = 0;
        using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var followers = Enumerable.Range(1, 4).Select(step => Task.Run(async () =>
        {
            for (long after = 0; after < last;)
            {
                var wait = _waits.Enter(after);
                if (Volatile.Read(ref grown) <= after)
                {
                    await wait.Done.Task.WaitAsync(cancel.Token);
                }

                _waits.Leave(wait);
                Assert.True(Volatile.Read(ref grown) > after);
                after = Math.Min(last, Volatile.Read(ref grown) + step - 1);
            }
        })).ToArray();
        for (long sequence = 1; sequence <= last; sequence++)
        {
            Volatile.Write(ref grown, sequence);
            _waits.Grown(sequence);
        }

        await Task.WhenAll(followers);
        Assert.Equal(0, _waits.Count);
    }
}
