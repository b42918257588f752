using System.Diagnostics;
using Aurae.Registry.V0;
using Auraed.Domain.Registry;
using Auraed.Store;
using Auraed.Tests.Support;
using Xunit.Abstractions;

namespace Auraed.Tests.Faults;

/// <summary>A daemon killed at each step of the registry's writes: what was acknowledged is there with its lease, and the log says what the rows say.</summary>
public sealed class RegistryCrashes(ITestOutputHelper output) : IDisposable
{
    private readonly StoreFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData("registry.registered", 150)]
    [InlineData("lease.renewed", 20)]
    [InlineData("lease.ended", 1)]
    [InlineData("commit.before", 150)]
    [InlineData("commit.after", 150)]
    public async Task A_kill_keeps_what_was_acknowledged(string point, int timesMax)
    {
        var times = 1 + Seeds.Random(output).Next(timesMax);
        using var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Support.Program.Assembly, "registry", _fixture.Library, _fixture.KeyPath, point, $"{times}"])
        { RedirectStandardOutput = true })!;
        var said = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        Assert.Equal(128 + 9, child.ExitCode);
        var acknowledged = said.Split('\n').Where(line => line.StartsWith("ack ", StringComparison.Ordinal)).Select(line => "w" + line["ack ".Length..]).ToHashSet();

        await using var database = _fixture.Open();
        var registry = await ServiceRegistry.OpenAsync(database, TimeProvider.System, default);
        var entries = (await registry.ListAsync(RegistryRequests.List(new ListEntriesRequest()), default)).Entries;
        Assert.Empty(acknowledged.Except(entries.Select(status => status.Entry.Id)));
        Assert.All(entries, status => Assert.Equal(status.Entry.Ttl is null, status.Remaining is null));
        var report = await database.VerifyAsync(null, default);
        Assert.True(report.IsSound, string.Join("; ", report.Findings));
        var created = await TableRows.TextAsync(database, "SELECT count(*) FILTER (WHERE kind LIKE '%.created') - count(*) FILTER (WHERE kind LIKE '%.deleted') FROM event");
        Assert.Equal($"{entries.Count}", created);
        Assert.Equal($"{entries.Count(status => status.Entry.Ttl is not null)}", await TableRows.TextAsync(database, "SELECT count(*) FROM registry_lease"));
    }
}
