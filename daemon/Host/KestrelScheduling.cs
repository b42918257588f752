using System.IO.Pipelines;
using System.Reflection;
using Auraed.Base;
using Microsoft.AspNetCore.Hosting.Server;

namespace Auraed.Host;

/// <summary>
/// Has Kestrel read the frames of a connection on that connection's thread (<see cref="LocalConnection"/>) in place of handing each arrival to the thread pool, which wakes two threads for it. What the
/// frames cause goes to the pool as ever: nothing of a call runs where others wait for their bytes. Kestrel has no setting for it.
/// </summary>
internal sealed class KestrelScheduling : PipeScheduler
{
    private const string Core = "Microsoft.AspNetCore.Server.Kestrel.Core";
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    [ThreadStatic]
    private static bool t_isReceiving;

    /// <summary>On a connection's thread, before it hands on what came in: the next continuation is the one that takes that. What is much is taken beside the thread, which goes on receiving.</summary>
    public static void Received(int bytes) => t_isReceiving = bytes <= Limits.SocketReadBytes;

    /// <summary>Before the server starts. False when this Kestrel has no such place: then everything works as it does without.</summary>
    public static bool TryInstall(IServer server)
    {
        var context = Type.GetType("Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerImpl, " + Core)?.GetProperty("ServiceContext", Members);
        var scheduler = Type.GetType("Microsoft.AspNetCore.Server.Kestrel.Core.Internal.ServiceContext, " + Core)?.GetProperty("Scheduler", Members);
        if (context is null || scheduler is null || !context.DeclaringType!.IsInstanceOfType(server) || context.GetValue(server) is not { } owner || !scheduler.DeclaringType!.IsInstanceOfType(owner))
        {
            return false;
        }

        scheduler.SetValue(owner, new KestrelScheduling());
        return true;
    }

    public override void Schedule(Action<object?> action, object? state)
    {
        if (t_isReceiving)
        {
            // Whatever is scheduled within belongs to a call.
            t_isReceiving = false;
            action(state);
        }
        else
        {
            ThreadPool.Schedule(action, state);
        }
    }
}
