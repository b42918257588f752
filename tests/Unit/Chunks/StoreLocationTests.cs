using System.Net.Http.Headers;
using Auraed.Base;
using Auraed.Chunks.Stores;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Chunks;

/// <summary>Locations, names and credentials are parsed before anything is done with them.</summary>
public class StoreLocationTests
{
    [Theory]
    [InlineData("/srv/a.castr/", StoreKind.Directory, "/srv/a.castr", "")]
    [InlineData("file:///srv/a%20b", StoreKind.Directory, "/srv/a b", "")]
    [InlineData("http://host/deep/a.castr/", StoreKind.Http, "/deep/a.castr", "http://host/")]
    [InlineData("https://host:8443", StoreKind.Http, "", "https://host:8443/")]
    [InlineData("sftp://me@host:2222/srv/a.castr/", StoreKind.Sftp, "/srv/a.castr", "me@host:2222")]
    [InlineData("sftp://host/~/a", StoreKind.Sftp, "a", "@host:")]
    [InlineData("sftp://[::1]/a", StoreKind.Sftp, "/a", "@::1:")]
    [InlineData("s3+https://host/bucket", StoreKind.S3, "/bucket", "https://host/ bucket ")]
    [InlineData("s3+http://host:9000/bucket/deep/er/", StoreKind.S3, "/bucket/deep/er", "http://host:9000/ bucket deep/er")]
    public void A_location_is_taken_apart(string text, StoreKind kind, string path, string rest)
    {
        var location = StoreLocation.Parse(text);
        Assert.Equal((kind, path), (location.Kind, location.Path));
        Assert.Equal(rest, kind switch
        {
            StoreKind.Directory => "",
            StoreKind.Http => location.Origin!.ToString(),
            StoreKind.Sftp => $"{location.User}@{location.Host}:{location.Port}",
            StoreKind.S3 => $"{location.Origin} {location.Bucket} {location.Prefix}",
            _ => "",
        });
    }

    [Theory]
    [InlineData("")]
    [InlineData("ftp://host/a")]
    [InlineData("file://host/a")]
    [InlineData("file:///a%00b")]
    [InlineData("file:///a%0ab")]
    [InlineData("http://")]
    [InlineData("https://trusted//evil.example/x")]
    [InlineData("https://trusted/\\evil.example/x")]
    [InlineData("s3+https://trusted//evil.example/x")]
    [InlineData("http://user:secret@host/a")]
    [InlineData("https://host/a?b=c")]
    [InlineData("https://host/a#b")]
    [InlineData("https://host/a/../b")]
    [InlineData("https://host/a/%2e%2e/b")]
    [InlineData("https://host/..")]
    [InlineData("http://host/a\nb")]
    [InlineData("sftp://-oProxyCommand=evil/a")]
    [InlineData("sftp://-oProxyCommand=evil@host/a")]
    [InlineData("sftp://%2DoProxyCommand=evil/a")]
    [InlineData("sftp://a%20b@host/a")]
    [InlineData("sftp://me:secret@host/a")]
    [InlineData("sftp://host")]
    [InlineData("sftp://host/")]
    [InlineData("sftp://host/a%0ab")]
    [InlineData("sftp://host/../a")]
    [InlineData("sftp://me:secret@host/../a")]
    [InlineData("sftp://me:secret@/a")]
    [InlineData("s3+https://host")]
    [InlineData("s3+https://key:secret@host/bucket")]
    [InlineData("s3+https://host/bucket/%2e%2e/other")]
    public void What_could_be_more_than_a_place_is_refused_and_shows_no_secret(string text)
    {
        var fault = Assert.Throws<Fault>(() => StoreLocation.Parse(text, "from"));
        Assert.Equal((FaultKind.Invalid, "from"), (fault.Kind, fault.Field));
        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.caibx", true)]
    [InlineData("image-1.0_b.caidx", true)]
    [InlineData(".caibx", false)]
    [InlineData("..caibx", false)]
    [InlineData("../a.caibx", false)]
    [InlineData("a/b.caibx", false)]
    [InlineData("a\\b.caibx", false)]
    [InlineData("-a.caibx", false)]
    [InlineData("a b.caibx", false)]
    [InlineData("a%2f.caibx", false)]
    [InlineData("a.caibx\n", false)]
    [InlineData("a\u00e9.caibx", false)]
    [InlineData("a", false)]
    public void An_index_name_is_no_path(string text, bool isName) => Assert.Equal(isName, IndexName.TryParse(text, out _));

    [Fact]
    public void Ssh_is_given_no_way_to_ask_forward_or_run_and_the_host_is_no_option()
    {
        var options = new StoreOptions { IdentityFile = "/keys/id", KnownHostsFile = "/keys/known", ConfigurationFile = "/keys/config" };
        var arguments = SftpStore.Arguments(StoreLocation.Parse("sftp://me@host:22022/a"), options);
        Assert.Equal(["-s", "--", "host", "sftp"], arguments.TakeLast(4));
        Assert.All(
            new[]
            {
                "-oBatchMode=yes", "-oClearAllForwardings=yes", "-oForwardAgent=no", "-oPermitLocalCommand=no", "-oStrictHostKeyChecking=yes", "-oControlMaster=no", "-p22022", "-lme",
                "-F/keys/config", "-oIdentityFile=/keys/id", "-oUserKnownHostsFile=/keys/known",
            }, wanted => Assert.Contains(wanted, arguments));
        foreach (var wrong in new[] { "/a b", "/a%h", "/a\"", "/a\n", "/$HOME/a", "/a,b" })
        {
            Assert.Equal("identity_file", Assert.Throws<Fault>(() => SftpStore.Arguments(StoreLocation.Parse("sftp://host/a"), new StoreOptions { IdentityFile = wrong })).Field);
        }
    }

    /// <summary>The first example of AWS' documentation of the signature, with its published key.</summary>
    [Fact]
    public void A_request_is_signed_as_aws_shows()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://examplebucket.s3.amazonaws.com/test.txt");
        request.Headers.Range = new RangeHeaderValue(0, 9);
        var credentials = new S3Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", null);
        S3Signature.Sign(request, [], credentials, "us-east-1", new DateTimeOffset(2013, 5, 24, 0, 0, 0, TimeSpan.Zero));
        Assert.Equal(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            request.Headers.GetValues("Authorization").Single());
        Assert.Equal("a/b%20c/%C3%A9%2B~", S3Signature.Encode("a/b c/\u00e9+~"));
    }

    [Fact]
    public void Credentials_come_from_a_file_and_are_shown_by_nothing()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["keys"], "; theirs\n[one]\naws_access_key_id=A\naws_secret_access_key = hidden/=\naws_session_token = T\n[two]\naws_access_key_id = B\n");
        var one = S3Credentials.Read(directory["keys"], "one");
        Assert.Equal(("A", "hidden/=", "T", "credentials"), (one.KeyId, one.Secret, one.SessionToken, one.ToString()));
        Assert.Equal("credentials_file", Assert.Throws<Fault>(() => S3Credentials.Read(directory["keys"], "two")).Field);
        Assert.Equal("credentials_file", Assert.Throws<Fault>(() => S3Credentials.Read(directory["none"], "one")).Field);
        File.WriteAllText(directory["token"], "Bearer a\nX-Other: b");
        Assert.DoesNotContain("Bearer", Assert.Throws<Fault>(() => StoreOptions.ReadSecret(directory["token"], "authorization_file")).Message, StringComparison.Ordinal);
    }
}
