using System.Text.Json;
using Auraed.Tests.Support;

namespace Auraed.Tests.EndToEnd;

/// <summary>The command line as it is shipped: what a JIT run forgives and a compiled binary does not.</summary>
public sealed class CommandLineBinaryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Help_is_the_same_as_that_of_the_tree()
    {
        foreach (var words in new string[][] { ["--help"], ["pki", "client", "--help"], ["config", "show", "--help"] })
        {
            Assert.Equal((await Support.Cli.RunAsync(words)).Succeeded(), PublishedBinary.Run(words).Succeeded());
        }
    }

    [Fact]
    public void Init_check_and_config_work_in_one_directory_with_rsa_keys()
    {
        var root = _directory["root"];
        PublishedBinary.Run("init", "--root", root).Succeeded();
        PublishedBinary.Run("pki", "check", "--root", root).Succeeded();
        Tool.Run("openssl", "verify", "-x509_strict", "-CAfile", $"{root}/pki/ca.crt", $"{root}/pki/_signed.server.crt", $"{root}/pki/_signed.client.nova.crt").Succeeded();
        var settings = PublishedBinary.Run("config", "show", "--root", root, "--limit-calls", "7", "--output", "json").Succeeded()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        var calls = settings.Single(setting => setting.GetProperty("setting").GetString() == "limits.calls");
        Assert.Equal(("7", "flag"), (calls.GetProperty("value").GetString(), calls.GetProperty("origin").GetString()));
    }

    [Fact]
    public void What_a_user_may_not_see_is_not_said_to_be_missing()
    {
        const UnixFileMode everybody = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute | UnixFileMode.OtherRead;
        var (root, binary) = (_directory["root"], _directory["auraed"]);
        PublishedBinary.Run("init", "--root", root, "--algorithm", "ec").Succeeded();
        File.Copy(PublishedBinary.Path, binary);
        File.SetUnixFileMode(binary, everybody);
        File.SetUnixFileMode(_directory.Path, everybody);
        // Root is refused nothing, so it asks as nobody; others shut themselves out.
        string[] asked = Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary] : ["env", binary];
        File.SetUnixFileMode(root, Environment.IsPrivilegedProcess ? UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute : UnixFileMode.None);
        try
        {
            var doctor = Tool.Run(asked[0], [.. asked[1..], "doctor", "--root", root, "--output", "json"]);
            Assert.Contains("permission denied", doctor.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("does not exist", doctor.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("is not there", doctor.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("auraed init", doctor.Output, StringComparison.Ordinal);
            Assert.Contains("permission denied", Tool.Run(asked[0], [.. asked[1..], "status", "--root", root]).Error, StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void An_error_is_one_line_and_a_hint_on_standard_error()
    {
        var run = PublishedBinary.Run("status", "--root", _directory["none"]);

        Assert.NotEqual(0, run.Code);
        Assert.Matches(@"^error: .*\nhint: .*\n$", run.Error);
    }
}
