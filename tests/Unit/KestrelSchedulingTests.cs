using System.IO.Pipelines;
using Auraed.Base;
using Auraed.Host;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Auraed.Tests.Unit;

/// <summary>Frames are read on the connection's thread, and nothing else is.</summary>
public sealed class KestrelSchedulingTests
{
    private readonly KestrelScheduling _scheduling = new();

    [Fact]
    public async Task The_server_that_is_referred_to_has_a_place_for_it()
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();
        Assert.True(KestrelScheduling.TryInstall(app.Services.GetRequiredService<IServer>()));
        using var other = new OtherServer();
        Assert.False(KestrelScheduling.TryInstall(other));
    }

    [Fact]
    public void What_came_in_is_taken_here_and_what_it_causes_on_the_pool() => OnConnection(() =>
    {
        Task<bool>? caused = null;
        KestrelScheduling.Received(1);
        Assert.False(IsOnPoolAsync(() => caused = IsOnPoolAsync()).GetAwaiter().GetResult());
        Assert.True(caused!.GetAwaiter().GetResult());
        Assert.True(IsOnPoolAsync().GetAwaiter().GetResult());

        KestrelScheduling.Received(Limits.SocketReadBytes);
        Assert.False(IsOnPoolAsync().GetAwaiter().GetResult());
    });

    [Fact]
    public void What_is_much_is_taken_beside_the_thread_that_goes_on_receiving() => OnConnection(() =>
    {
        KestrelScheduling.Received(Limits.SocketReadBytes);
        KestrelScheduling.Received(Limits.SocketReadBytes + 1);
        Assert.True(IsOnPoolAsync().GetAwaiter().GetResult());
    });

    private Task<bool> IsOnPoolAsync(Action? within = null)
    {
        var place = new TaskCompletionSource<bool>();
        PipeScheduler scheduler = _scheduling;
        scheduler.Schedule(
            _ =>
            {
                within?.Invoke();
                place.SetResult(Thread.CurrentThread.IsThreadPoolThread);
            },
            null);
        return place.Task;
    }

    private static void OnConnection(Action test)
    {
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(test));
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    private sealed class OtherServer : IServer
    {
        public IFeatureCollection Features { get; } = new FeatureCollection();

        public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
            where TContext : notnull => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose()
        {
        }
    }
}
