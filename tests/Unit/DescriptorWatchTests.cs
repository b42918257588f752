using System.IO.Pipes;
using Auraed.Native;

namespace Auraed.Tests.Unit;

public sealed class DescriptorWatchTests
{
    [Fact]
    public async Task A_descriptor_that_takes_the_number_of_one_just_closed_is_not_told_of_its_end()
    {
        // Tests beside this one open descriptors, too, and may take the number first.
        var rounds = 0;
        while (!await IsNumberTakenAsync())
        {
            Assert.True(++rounds < 100, "nobody got the number of the one that was closed");
        }
    }

    private static async Task<bool> IsNumberTakenAsync()
    {
        using var watch = new DescriptorWatch();
        using var first = new Pair();
        using var second = new Pair();
        var third = new Pair();
        Pair? heir = null;
        var heirs = new List<Pair>();
        int told = 0;
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new ManualResetEventSlim();
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        watch.Watch(first.Read, () =>
        {
            entered.SetResult();
            gate.Wait();
        });
        watch.Watch(second.Read, () =>
        {
            // In the same round as the third's news, and before it.
            int number = third.Number;
            watch.Forget(third.Read);
            third.Dispose();
            for (int attempt = 0; attempt < 100 && heir is null; attempt++)
            {
                var pair = new Pair();
                heirs.Add(pair);
                heir = pair.Number == number ? pair : null;
            }

            foreach (Pair pair in heirs)
            {
                watch.Watch(pair.Read, () => Interlocked.Increment(ref told));
            }

            closed.SetResult();
        });
        watch.Watch(third.Read, () => Interlocked.Increment(ref told));
        first.Write();
        await entered.Task;
        second.Write();
        third.Write();
        gate.Set();
        await closed.Task;

        // One more round: the one before is over then.
        using var last = new Pair();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        watch.Watch(last.Read, ended.SetResult);
        last.Write();
        await ended.Task;
        Assert.Equal(0, Volatile.Read(ref told));
        foreach (Pair pair in heirs)
        {
            watch.Forget(pair.Read);
            pair.Dispose();
        }

        return heir is not null;
    }

    [Fact]
    public void After_its_end_nothing_is_asked_of_numbers_that_are_others()
    {
        using var pair = new Pair();
        var watch = new DescriptorWatch();
        watch.Watch(pair.Read, () => { });
        watch.Dispose();
        watch.Forget(pair.Read);
        watch.Dispose();
        Assert.False(watch.Watch(pair.Read, () => { }));
    }

    [Fact]
    public void An_end_while_a_callback_watches_on_is_no_failure()
    {
        using var pair = new Pair();
        pair.Write();
        for (var round = 0; round < 200; round++)
        {
            using var begun = new ManualResetEventSlim();
            using var watch = new DescriptorWatch();
            var calls = 0;
            Again();
            begun.Wait();

            void Again()
            {
                _ = watch.Watch(pair.Read, Again);
                if (++calls == 3)
                {
                    begun.Set();
                }
            }
        }
    }

    /// <summary>A pipe.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly AnonymousPipeServerStream _reader = new(PipeDirection.In);
        private readonly AnonymousPipeClientStream _writer;

        public Pair() => _writer = new AnonymousPipeClientStream(PipeDirection.Out, _reader.ClientSafePipeHandle);

        public Microsoft.Win32.SafeHandles.SafePipeHandle Read => _reader.SafePipeHandle;

        public int Number => (int)Read.DangerousGetHandle();

        public void Write() => _writer.WriteByte(1);

        public void Dispose()
        {
            _writer.Dispose();
            _reader.Dispose();
        }
    }
}
