using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Contract;

/// <summary>Every reason not to open a file has words of its own, and none of them changes the file.</summary>
public abstract class StoreOpening(Durability durability) : IDisposable
{
    private readonly StoreFixture _fixture = new(durability);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_wrong_key_is_said_to_be_one()
    {
        await MakeAsync();
        Tool.Run("openssl", "genpkey", "-algorithm", "ED25519", "-out", _fixture.KeyPath).Succeeded();
        Refused("WRONG_KEY");
    }

    [Fact]
    public async Task A_wrong_key_is_said_to_be_one_beside_a_log_too()
    {
        await MakeAsync();
        File.WriteAllBytes(_fixture.DatabasePath + "-wal", RandomNumberGenerator.GetBytes(4000));
        Tool.Run("openssl", "genpkey", "-algorithm", "ED25519", "-out", _fixture.KeyPath).Succeeded();
        Refused("WRONG_KEY");
        File.WriteAllBytes(_fixture.DatabasePath + "-wal", RandomNumberGenerator.GetBytes(8192));
        Refused("LOG_DAMAGED");
    }

    [Fact]
    public async Task A_damaged_first_page_is_told_apart_from_a_wrong_key()
    {
        await MakeAsync();
        Flip(_fixture.DatabasePath, 1000);
        Refused("DATABASE_DAMAGED");
    }

    [Fact]
    public void A_plain_database_is_foreign()
    {
        Directory.CreateDirectory(_fixture.Library);
        Tool.Run("/usr/bin/python3", "-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('create table t(a)'); c.commit()", _fixture.DatabasePath).Succeeded();
        Refused("FOREIGN_FILE");
    }

    [Theory]
    [InlineData(0, "FILE_TRUNCATED")]
    [InlineData(100, "FILE_TRUNCATED")]
    [InlineData(4096 * 3, "WRONG_KEY")]
    public void Bytes_that_are_no_database_are_refused(int count, string reason)
    {
        File.WriteAllBytes(_fixture.DatabasePath, RandomNumberGenerator.GetBytes(count));
        Refused(reason);
    }

    [Fact]
    public async Task A_file_cut_short_is_refused()
    {
        await MakeAsync();
        using (var file = File.OpenWrite(_fixture.DatabasePath))
        {
            file.SetLength(file.Length - 4096);
        }

        Refused("DATABASE_DAMAGED");
        using (var file = File.OpenWrite(_fixture.DatabasePath))
        {
            file.SetLength(file.Length - 100);
        }

        Refused("FILE_TRUNCATED");
    }

    [Fact]
    public async Task Another_programs_encrypted_file_is_foreign()
    {
        await MakeAsync("PRAGMA application_id = 7");
        Refused("FOREIGN_FILE");
    }

    [Fact]
    public async Task A_test_database_and_the_hosts_own_are_never_mixed()
    {
        await MakeAsync();
        Refused("DATABASE_CLASS", _fixture.Options with { IsTest = true });
        File.Delete(_fixture.DatabasePath);
        await using (Database.Open(_fixture.Options with { IsTest = true }))
        {
        }

        Refused("DATABASE_CLASS");
    }

    [Fact]
    public async Task Newer_data_is_refused_and_a_newer_minor_is_not()
    {
        await MakeAsync("INSERT INTO schema_version (number, name, version, checksum, applied_time, applied_by) VALUES (900, 'later', '1.900.0', 'x', 1, 'auraed 9')");
        await using (_fixture.Open())
        {
        }

        await MakeAsync("INSERT INTO schema_version (number, name, version, checksum, applied_time, applied_by) VALUES (901, 'later', '2.0.0', 'x', 1, 'auraed 9')");
        Refused("NEWER_DATA");
    }

    [Fact]
    public async Task A_second_daemon_is_refused()
    {
        await using var first = _fixture.Open();
        var fault = Assert.Throws<Fault>(() => _fixture.Open());
        Assert.Equal("LIBRARY_LOCKED", fault.Reason);
    }

    [Fact]
    public async Task A_log_without_its_file_is_no_reason_to_make_a_new_one()
    {
        await MakeAsync();
        File.Move(_fixture.DatabasePath, _fixture.DatabasePath + "-wal");
        var fault = Assert.Throws<Fault>(() => _fixture.Open());
        Assert.Equal("DATABASE_MISSING", fault.Reason);
    }

    [Fact]
    public void A_missing_database_is_not_made_where_that_was_not_asked_for()
    {
        var fault = Assert.Throws<Fault>(() => Database.Open(_fixture.Options with { CreateIfMissing = false }));
        Assert.Equal("DATABASE_MISSING", fault.Reason);
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_said_to_be_read_only()
    {
        var fault = Assert.Throws<Fault>(() => Database.Open(_fixture.Options with { Directory = "/proc/aurae" }));
        Assert.Equal("READ_ONLY", fault.Reason);
    }

    private async Task MakeAsync(string? sql = null)
    {
        await using var database = _fixture.Open();
        for (var index = 0; index < 100; index++)
        {
            await StoreFixture.AppendAsync(database, $"subject {index}", 1000);
        }

        if (sql is not null)
        {
            await database.WriteAsync(unit => unit.Prepare(sql).Execute(), CancellationToken.None);
        }
    }

    private void Refused(string reason, DatabaseOptions? options = null)
    {
        var before = SHA256.HashData(File.ReadAllBytes(_fixture.DatabasePath));
        var fault = Assert.Throws<Fault>(() => Database.Open(options ?? _fixture.Options));
        Assert.True(fault.Reason == reason, $"{fault.Reason}: {fault.Message}");
        Assert.NotNull(fault.Hint);
        Assert.Equal(before, SHA256.HashData(File.ReadAllBytes(_fixture.DatabasePath)));
    }

    private static void Flip(string path, long offset)
    {
        using var file = new FileStream(path, FileMode.Open);
        file.Position = offset;
        var value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 1));
    }
}

public sealed class StoreOpeningWal() : StoreOpening(Durability.Wal);

public sealed class StoreOpeningJournal() : StoreOpening(Durability.Journal);
