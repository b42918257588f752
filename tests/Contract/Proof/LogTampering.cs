using Auraed.Store;
using Auraed.Store.Proof;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract.Proof;

/// <summary>Whoever has the file's key can change every row of it; each kind of change is found and named.</summary>
public sealed class LogTampering : IDisposable
{
    private readonly LogFile _log = new();

    public void Dispose() => _log.Dispose();

    [Theory]
    [InlineData("UPDATE event SET payload = x'00' WHERE sequence = 50", "events: 50 is not what was written, or its hash is not")]
    [InlineData("UPDATE event SET kind = 'test.deleted' WHERE sequence = 1", "events: 1 is not what was written, or its hash is not")]
    [InlineData("UPDATE event SET time = time + 1 WHERE sequence = 300", "events: 300 is not what was written, or its hash is not")]
    [InlineData("UPDATE event SET tenant = 'other' WHERE sequence = 257", "events: 257 is not what was written, or its hash is not")]
    [InlineData("UPDATE event SET principal = 'other' WHERE sequence = 2", "events: 2 is not what was written, or its hash is not")]
    [InlineData("UPDATE event SET request_id = '' WHERE sequence = 2", "events: 2 is not what was written, or its hash is not")]
    [InlineData("UPDATE event SET commit_revision = 1 WHERE sequence = 2", "events: 2 is not what was written, or its hash is not")]
    [InlineData("DELETE FROM event WHERE sequence = 70", "events: 70 is missing, 71 follows")]
    [InlineData("DELETE FROM event WHERE sequence BETWEEN 1 AND 9", "events: 1 to 9 are missing, 10 follows")]
    [InlineData("DELETE FROM event WHERE sequence > 290", "events: 291 to 300 are missing, which the checkpoint of 300 events signs")]
    [InlineData("DELETE FROM event", "events: 1 to 300 are missing, which the checkpoint of 300 events signs")]
    [InlineData("UPDATE event_node SET hash = zeroblob(32)", "tree: events 1 to 256 are not those that the tree was made of")]
    [InlineData("INSERT INTO event_node SELECT 8, 1, zeroblob(32)", "tree: it has nodes of events up to 512, and the last event is 300")]
    [InlineData("UPDATE event_checkpoint SET note = x'00'", "checkpoint of 300 events: the checkpoint is not well-formed")]
    [InlineData("UPDATE event_checkpoint SET size = 299", "checkpoint of 299 events: it is that of 300 events of auraed/")]
    [InlineData("UPDATE meta SET value = '00' WHERE key = 'database_id'", "checkpoint of 300 events: it is that of 300 events of auraed/")]
    public async Task A_changed_row_is_found_and_named(string change, string finding)
    {
        await _log.WriteAsync(300);
        Assert.True(_log.Verify().IsSound);
        _log.Tamper(change);
        Assert.StartsWith(finding, Assert.Single(_log.Verify().Findings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_hash_is_told_apart_from_the_event_behind_it_and_from_the_signed_one()
    {
        await _log.WriteAsync(300);
        _log.Tamper("UPDATE event SET hash = zeroblob(32) WHERE sequence = 50");
        IReadOnlyList<string> findings = _log.Verify().Findings;
        Assert.Equal("events: 50 is not what was written, or its hash is not", findings[0]);
        Assert.Contains("events: what is in 1 to 300 is not what the checkpoint of 300 events signs, chained anew or not", findings);
        Assert.DoesNotContain(findings, finding => finding.Contains("51", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_events_that_changed_places_are_named()
    {
        await _log.WriteAsync(100);
        _log.Tamper("UPDATE event SET sequence = 1000 WHERE sequence = 10", "UPDATE event SET sequence = 10 WHERE sequence = 11", "UPDATE event SET sequence = 11 WHERE sequence = 1000");
        Assert.StartsWith("events: 10 is not what was written", _log.Verify().Findings[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_inserted_event_is_named()
    {
        await _log.WriteAsync(100);
        _log.Tamper(
            "UPDATE event SET sequence = -1 - sequence WHERE sequence >= 50",
            "UPDATE event SET sequence = -sequence WHERE sequence < 0",
            "INSERT INTO event SELECT 50, 50, time, tenant, principal, NULL, kind, 'forged', payload, hash FROM event WHERE sequence = 49");
        Assert.Equal("events: 50 is not what was written, or its hash is not", _log.Verify().Findings[0]);
    }

    [Theory]
    [InlineData("UPDATE event SET payload = x'00' WHERE sequence = 400")]
    [InlineData("UPDATE event SET subject = 'forged' WHERE sequence = 301")]
    [InlineData("DELETE FROM event WHERE sequence = 420; UPDATE event SET sequence = -(sequence - 1) WHERE sequence > 420; UPDATE event SET sequence = -sequence WHERE sequence < 0")]
    public async Task A_change_that_is_chained_anew_is_found_by_the_signature_and_narrowed_down(string change)
    {
        await _log.WriteAsync(300);
        await _log.WriteAsync(300);
        _log.Tamper(connection =>
        {
            connection.ExecuteScript(change);
            LogFile.ChainAnew(connection);
        });
        IReadOnlyList<string> findings = _log.Verify().Findings;
        Assert.Contains("tree: events 257 to 512 are not those that the tree was made of", findings);
        Assert.Contains(findings, finding => finding.Contains("the checkpoint of 600 events", StringComparison.Ordinal));
        Assert.DoesNotContain(findings, finding => finding.Contains("checkpoint of 300 events", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_change_that_is_chained_anew_and_whose_tree_is_made_anew_is_found_by_the_signature()
    {
        await _log.WriteAsync(300);
        _log.Tamper(connection =>
        {
            connection.Execute("UPDATE event SET payload = x'00' WHERE sequence = 7");
            LogFile.ChainAnew(connection);
            connection.Execute("DELETE FROM event_node");
        });
        Assert.Equal("events: what is in 1 to 300 is not what the checkpoint of 300 events signs, chained anew or not", Assert.Single(_log.Verify().Findings));
    }

    [Fact]
    public async Task A_forged_signature_is_found()
    {
        Checkpoint signed = await _log.WriteAsync(20);
        byte[] signature = [.. signed.Signature];
        signature[^1] ^= 1;
        Replace(signed with { Signature = signature });
        Assert.Equal("checkpoint of 20 events: its signature is forged", Assert.Single(_log.Verify().Findings));
        // A true signature under another statement.
        Replace(signed with { Time = signed.Time + 1 });
        Assert.Equal("checkpoint of 20 events: its signature is forged", Assert.Single(_log.Verify().Findings));
    }

    [Fact]
    public async Task A_checkpoint_of_another_key_is_found_until_the_servers_key_signs_the_same_log()
    {
        Checkpoint signed = await _log.WriteAsync(20);
        using var ec = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        using CheckpointKey other = CheckpointKey.FromPrivate(ec.ExportPkcs8PrivateKey())!;
        Replace(other.Sign(signed.Origin, signed.Size, signed.Root, signed.Time, signed.Head));
        Assert.Equal("checkpoint of 20 events: it is signed by another key than the server's", Assert.Single(_log.Verify().Findings));
        await _log.WriteAsync(1);
        Assert.True(_log.Verify().IsSound);
    }

    [Fact]
    public async Task A_daemon_signs_nothing_that_does_not_chain()
    {
        await _log.WriteAsync(20);
        _log.Tamper("UPDATE event SET payload = x'00' WHERE sequence = 15");
        var fault = await Assert.ThrowsAsync<Base.Fault>(() => _log.WriteAsync(1));
        Assert.Equal("EVENT_CHAIN_BROKEN", fault.Reason);
        Assert.Contains("event 15", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_rekey_the_new_key_vouches_for_the_whole_log()
    {
        await _log.WriteAsync(300);
        string next = Path.Combine(_log.Store.Root, "next.key");
        using (var rsa = System.Security.Cryptography.RSA.Create(2048))
        {
            File.WriteAllText(next, rsa.ExportPkcs8PrivateKeyPem());
        }

        Maintenance.Rekey(_log.Store.Options, next, null, CancellationToken.None);
        VerifyReport report = Maintenance.Verify(_log.Store.DatabasePath, next, null, CancellationToken.None);
        Assert.True(report.IsSound, string.Join('\n', report.Findings));
    }

    private void Replace(Checkpoint checkpoint) => _log.Tamper(connection =>
    {
        connection.Execute("DELETE FROM event_checkpoint");
        CheckpointRows.Insert(connection.Prepare, checkpoint);
        connection.EndUnit();
    });
}
