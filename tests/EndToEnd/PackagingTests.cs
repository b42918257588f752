using System.Text.RegularExpressions;
using Auraed.Tests.Support;
using Auraed.Tests.Tidy;

namespace Auraed.Tests.EndToEnd;

public sealed partial class PackagingTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_package_holds_what_it_should_with_the_right_modes()
    {
        _ = PublishedBinary.Path;
        Tool.Run(In("packaging/deb")).Succeeded();
        var package = Directory.GetFiles(In("artifacts"), "auraed_*_amd64.deb").OrderByDescending(File.GetLastWriteTimeUtc).First();

        var content = string.Join('\n', Tool.Run("dpkg-deb", "-c", package).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Entry().Replace(line, "$1 $2")));
        Support.Golden.Verify(content, "content");
        Assert.Equal(ProductVersion(), Tool.Run("dpkg-deb", "-f", package, "Version").Succeeded().Trim());
        Assert.Contains("libc6 (>= 2.", Tool.Run("dpkg-deb", "-f", package, "Depends").Succeeded(), StringComparison.Ordinal);
        Tool.Run("lintian", "--allow-root", "--fail-on", "error,warning", package).Succeeded();
    }

    [Fact]
    public void The_binary_needs_libc_and_libm_alone()
    {
        var libraries = Tool.Run("ldd", PublishedBinary.Path).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Path.GetFileName(line.Trim().Split(' ')[0])).Order(StringComparer.Ordinal);

        Assert.Equal(["ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "linux-vdso.so.1"], libraries);
    }

    [Fact]
    public void Uninstall_removes_every_file_that_install_put_there()
    {
        _ = PublishedBinary.Path;
        var stage = new Dictionary<string, string?> { ["DESTDIR"] = _directory.Path, ["PREFIX"] = "/opt/aurae" };

        Tool.Run(In("packaging/install"), ["install"], stage).Succeeded();
        var unit = File.ReadAllText(_directory["opt/aurae/lib/systemd/system/auraed.service"]);
        Assert.Contains("\nExecStart=/opt/aurae/bin/auraed\n", unit, StringComparison.Ordinal);
        Assert.Equal("auraed " + ProductVersion(), Tool.Run(_directory["opt/aurae/bin/auraed"], "--version").Succeeded().Trim());

        Tool.Run(In("packaging/install"), ["uninstall"], stage).Succeeded();
        Assert.Empty(Directory.EnumerateFiles(_directory.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Systemd_takes_the_units_and_rates_the_service_as_its_first_line_says()
    {
        var unit = File.ReadAllText(In("packaging/systemd/auraed.service"));
        var stated = Rating().Match(unit).Groups[1].Value;

        var rating = Tool.Run("systemd-analyze", "security", "--offline=yes", "--no-pager", In("packaging/systemd/auraed.service"));

        Assert.Contains($"auraed.service: {stated} ", rating.Output, StringComparison.Ordinal);
        File.WriteAllText(_directory["auraed.service"], unit.Replace("/usr/bin/auraed", PublishedBinary.Path, StringComparison.Ordinal));
        File.Copy(In("packaging/systemd/auraed.socket"), _directory["auraed.socket"]);
        var verified = Tool.Run("systemd-analyze", "verify", "--man=no", _directory["auraed.service"], _directory["auraed.socket"]);
        Assert.DoesNotContain("auraed.", verified.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_manual_page_has_no_fault_that_man_reports()
    {
        var page = _directory["auraed.8"];
        File.WriteAllText(page, PublishedBinary.Run("docs", "man").Succeeded());

        var warnings = Tool.Run("man", ["--warnings", "-l", page], new Dictionary<string, string?> { ["LC_ALL"] = "C.UTF-8", ["MANROFFSEQ"] = "" });

        Assert.Equal(string.Empty, warnings.Error);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("sh", "packaging/debian/postinst", "packaging/debian/prerm", "packaging/debian/postrm")]
    public void Scripts_parse(string shell, params string[] scripts)
    {
        var paths = scripts.Length > 0 ? scripts.Select(In) : [Written("auraed.bash", PublishedBinary.Run("completion", "bash").Succeeded())];

        Assert.All(paths, path => Tool.Run(shell, "-n", path).Succeeded());
    }

    private string Written(string name, string text)
    {
        File.WriteAllText(_directory[name], text);
        return _directory[name];
    }

    private static string ProductVersion() => Version().Match(SourceTree.Read("Directory.Build.props")).Groups[1].Value;

    private static string In(string path) => Path.Combine(SourceTree.Root, path);

    // mode, owner, then size, date and time which differ with each build, then the name.
    [GeneratedRegex(@"^(\S+ \S+)\s+\d+ \S+ \S+ (.*)$", RegexOptions.CultureInvariant)]
    private static partial Regex Entry();

    [GeneratedRegex(@"rates this unit ([0-9.]+)", RegexOptions.CultureInvariant)]
    private static partial Regex Rating();

    [GeneratedRegex("<Version>(.*?)</Version>", RegexOptions.CultureInvariant)]
    private static partial Regex Version();
}
