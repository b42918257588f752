using Auraed.Base;
using Auraed.Store;
using Auraed.Tests.Support;
using Auraed.Tests.Tidy;

namespace Auraed.Tests.Contract;

/// <summary>The key derivation as KEY.md says it, held against keys that openssl makes and a program that knows the document alone.</summary>
public sealed class StoreKeys : IDisposable
{
    private static readonly string Recover = Path.Combine(SourceTree.Root, "tests/Support/recover.py");
    private readonly StoreFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData("rsa", "RSA", "rsa_keygen_bits:2048")]
    [InlineData("p256", "EC", "ec_paramgen_curve:P-256")]
    [InlineData("p384", "EC", "ec_paramgen_curve:P-384")]
    [InlineData("p521", "EC", "ec_paramgen_curve:P-521")]
    [InlineData("ed25519", "ED25519", null)]
    [InlineData("ed448", "ED448", null)]
    public void Every_form_of_a_key_file_gives_the_same_key(string name, string algorithm, string? option)
    {
        var pkcs8 = Path.Combine(_fixture.Root, name + ".pem");
        Tool.Run("openssl", (string[])["genpkey", "-algorithm", algorithm, .. option is null ? Array.Empty<string>() : ["-pkeyopt", option], "-out", pkcs8]).Succeeded();
        var expected = Tool.Run("/usr/bin/python3", Recover, pkcs8).Succeeded().Split(' ', StringSplitOptions.TrimEntries);
        Assert.Equal(expected, Derived(pkcs8));
        if (!name.StartsWith("ed", StringComparison.Ordinal))
        {
            var traditional = pkcs8 + ".old";
            Tool.Run("openssl", "pkey", "-in", pkcs8, "-traditional", "-out", traditional).Succeeded();
            Assert.DoesNotContain("BEGIN PRIVATE KEY", File.ReadAllText(traditional), StringComparison.Ordinal);
            Assert.Equal(expected, Derived(traditional));
        }
    }

    [Fact]
    public void The_documents_vectors_hold()
    {
        var document = File.ReadAllText(Path.Combine(SourceTree.Root, "daemon/Store/KEY.md"));
        foreach (var word in Derived(_fixture.KeyPath)[1..])
        {
            Assert.Contains(word, document, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_document_alone_deciphers_a_page()
    {
        await using (var database = _fixture.Open())
        {
            await StoreFixture.AppendAsync(database, "one");
        }

        var lines = Tool.Run("/usr/bin/python3", Recover, _fixture.KeyPath, _fixture.DatabasePath).Succeeded().Split('\n');
        Assert.Equal("seal holds AURA", lines[1]);
    }

    [Theory]
    [InlineData("", "KEY_UNREADABLE")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "KEY_UNREADABLE")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "KEY_UNREADABLE")]
    [InlineData("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "KEY_UNREADABLE")]
    [InlineData(null, "KEY_MISSING")]
    public void A_file_that_is_no_key_is_refused_and_makes_no_database(string? content, string reason)
    {
        File.Delete(_fixture.KeyPath);
        if (content is not null)
        {
            File.WriteAllText(_fixture.KeyPath, content);
        }

        var fault = Assert.Throws<Fault>(() => _fixture.Open());
        Assert.Equal(reason, fault.Reason);
        Assert.False(File.Exists(_fixture.DatabasePath));
    }

    private static string[] Derived(string path)
    {
        using var key = ServerKey.Load(path);
        var database = new byte[32];
        key.Derive(KeyPurpose.Database, database);
        var pem = File.ReadAllBytes(path);
        return [Convert.ToHexStringLower(PrivateKeyForm.Canonical(pem, path)), Convert.ToHexStringLower(database), key.Identity];
    }
}
