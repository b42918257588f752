using System.Security.Cryptography;
using Auraed.Store;
using Auraed.Tests.Support;

namespace Auraed.Tests.Upgrade;

/// <summary>Files whose pages are sealed as SQLCipher does by itself, with SHA-512, beside those that this binary makes: each keeps its form, and nobody has to name it.</summary>
public sealed class SealUpgrade : IDisposable
{
    private readonly StoreFixture _fixture = new();

    private string OldFile => UpgradeFile.DatabaseOf("1.1.0");

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_new_file_and_its_backup_are_sealed_with_SHA256()
    {
        var copy = _fixture.DatabasePath + ".copy";
        await using (var database = _fixture.Open())
        {
            await StoreFixture.AppendAsync(database, "one");
            await database.BackupAsync(copy, null, CancellationToken.None);
        }

        Assert.Equal(SealForm.Sha256, FormOf(_fixture.DatabasePath));
        Assert.Equal(SealForm.Sha256, FormOf(copy));
    }

    [Fact]
    public async Task An_older_file_is_written_to_backed_up_and_rekeyed_in_its_own_form()
    {
        TakeOld();
        Assert.Equal(SealForm.Sha512, FormOf(_fixture.DatabasePath));
        var copy = _fixture.DatabasePath + ".copy";
        long written;
        await using (var database = _fixture.Open())
        {
            // A commit of hundreds of pages, which are enciphered many at once.
            written = await StoreFixture.AppendAsync(database, "one", payloadBytes: 1 << 20);
            await database.BackupAsync(copy, null, CancellationToken.None);
        }

        Assert.Equal(SealForm.Sha512, FormOf(_fixture.DatabasePath));
        Assert.Equal(SealForm.Sha512, FormOf(copy));
        Assert.All([_fixture.DatabasePath, copy], path => Assert.Empty(Maintenance.Verify(path, _fixture.KeyPath, null, CancellationToken.None).Findings));

        var newKey = Path.Combine(_fixture.Root, "new.key");
        using (var made = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        {
            File.WriteAllText(newKey, made.ExportPkcs8PrivateKeyPem());
        }

        Maintenance.Rekey(_fixture.Options, newKey, null, CancellationToken.None);
        await using var again = Database.Open(_fixture.Options with { KeyPath = newKey });
        Assert.Equal(written, again.Durable);
    }

    [Fact]
    public async Task Both_forms_are_told_by_another_page_when_the_first_is_damaged()
    {
        await _fixture.Open().DisposeAsync();
        Damage(_fixture.DatabasePath);
        Assert.Equal((SealVerdict.FirstPageDamaged, SealForm.Sha256), Judge(_fixture.DatabasePath));
        TakeOld();
        Damage(_fixture.DatabasePath);
        Assert.Equal((SealVerdict.FirstPageDamaged, SealForm.Sha512), Judge(_fixture.DatabasePath));
        Assert.Equal([1], DamagedPages(_fixture.DatabasePath));
    }

    private static void Damage(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = 100;
        var old = file.ReadByte();
        file.Position = 100;
        file.WriteByte((byte)(old ^ 1));
    }

    private void TakeOld()
    {
        _ = Directory.CreateDirectory(_fixture.Library);
        File.WriteAllText(_fixture.KeyPath, UpgradeFile.KeyPem);
        File.Copy(OldFile, _fixture.DatabasePath, overwrite: true);
    }

    private SealForm FormOf(string path) => Judge(path).Form;

    private (SealVerdict Verdict, SealForm Form) Judge(string path)
    {
        using var server = ServerKey.Load(_fixture.KeyPath);
        using var key = new StoreKey(server);
        return (PageSeal.Judge(path, key), PageSeal.FormOf(path, key));
    }

    private List<long> DamagedPages(string path)
    {
        using var server = ServerKey.Load(_fixture.KeyPath);
        using var key = new StoreKey(server);
        return PageSeal.Damaged(path, key, 10, null);
    }
}
