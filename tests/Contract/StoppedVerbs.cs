using Auraed.Base;
using Auraed.Cli;
using Auraed.Host;
using Auraed.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Auraed.Tests.Contract;

/// <summary>What is done to a library directory whose daemon is stopped, as it is typed.</summary>
public sealed class StoppedVerbs : IDisposable
{
    private readonly StoreFixture _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Each_takes_the_library_directory_that_is_named()
    {
        var copy = Path.Combine(_store.Root, "copy.db");
        await using (var database = _store.Open())
        {
            await StoreFixture.AppendAsync(database, "a");
            await database.BackupAsync(copy, null, CancellationToken.None);
        }

        var key = Path.Combine(_store.Root, "next.key");
        using (var next = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256))
        {
            await File.WriteAllTextAsync(key, next.ExportPkcs8PrivateKeyPem());
        }

        foreach (var words in new string[][] { ["migrate", "--plan"], ["restore", copy], ["rekey", "--new-key", key] })
        {
            var run = await RunAsync([.. words, "--library-dir", _store.Library]);
            run.Succeeded();
            Assert.True(words[0] == "migrate" || run.Output.Contains(_store.DatabasePath, StringComparison.Ordinal), run.Output);
        }
    }

    [Fact]
    public async Task A_rekey_without_a_key_says_how_to_make_one()
    {
        await using (_store.Open())
        {
            // Made.
        }

        var missing = Path.Combine(_store.Root, "none.key");
        var run = await RunAsync("rekey", "--new-key", missing, "--library-dir", _store.Library);

        Assert.Equal(ExitCode.Of(FaultKind.Precondition), run.Code);
        Assert.Contains($"make a key: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out {missing}", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_socket_whose_path_is_too_long_is_told_the_bound()
    {
        var path = Path.Combine(_store.Root, new string('x', 60), new string('y', 60), "aurae.sock");

        var fault = Assert.Throws<Fault>(() => UnixListener.Open(path, UnixFileMode.UserRead, NullLogger.Instance));

        Assert.Equal((FaultKind.Precondition, "socket"), (fault.Kind, fault.Field));
        Assert.StartsWith($"socket {path} has {path.Length} bytes: the path of a Unix socket has at most 107, of which ", fault.Message, StringComparison.Ordinal);
    }

    private Task<Support.Cli> RunAsync(params string[] words) =>
        Support.Cli.RunAsync(words, new Dictionary<string, string> { ["AURAE_SERVER_KEY"] = _store.KeyPath, ["AURAE_ROOT"] = Path.Combine(_store.Root, "elsewhere") });
}
