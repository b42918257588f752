using System.Diagnostics;
using Aurae.Registry.V0;
using Auraed.Base;
using Auraed.Domain.Registry;
using Auraed.Store;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>Registers, heartbeats and lets leases end until it kills itself at the named point; says each entry that was acknowledged.</summary>
internal static class RegistryChild
{
    /// <param name="arguments">Library directory, key file, crash point, which time.</param>
    public static int Run(string[] arguments)
    {
        var (point, times, reached) = (arguments[2], int.Parse(arguments[3], null), 0);
        CrashPoint.Hook = name =>
        {
            if (name == point && Interlocked.Increment(ref reached) == times)
            {
                Process.GetCurrentProcess().Kill();
                Thread.CurrentThread.Join();
            }
        };
        RunAsync(new DatabaseOptions { Directory = arguments[0], KeyPath = arguments[1], Durability = Support.StoreFixture.Named }).GetAwaiter().GetResult();
        return 0;
    }

    private static async Task RunAsync(DatabaseOptions options)
    {
        await using var database = Database.Open(options);
        var time = TimeProvider.System;
        var registry = await ServiceRegistry.OpenAsync(database, time, default);
        var loop = new LeaseLoop(database, registry.Leases, time, new Pulses(time), NullLogger.Instance);
        for (var number = 0; number < 200; number++)
        {
            var entry = new RegistryEntry { Id = $"w{number}", Service = "web", Address = "h:1" };
            if (number % 3 == 0)
            {
                entry.Ttl = new Duration { Seconds = number % 2 == 0 ? 1 : 600 };
            }

            await registry.RegisterAsync("default", entry, "tester", default);
            Console.Out.WriteLine($"ack {number}");
            Console.Out.Flush();
            if (entry.Ttl is { Seconds: 600 })
            {
                await registry.HeartbeatAsync(new HeartbeatCommand("default", [entry.Id], EndpointHealth.Unspecified, ""), "tester", default);
                await loop.SaveAsync(default);
            }
        }

        while (registry.Leases.Next is { } next && next - registry.Leases.Now < TimeSpan.FromSeconds(60).Ticks)
        {
            await loop.RoundAsync(default);
            await Task.Delay(20);
        }
    }
}
