using System.CommandLine;
using System.CommandLine.Completions;
using System.Net.Sockets;
using System.Text.Json;
using Auraed.Base;
using Auraed.Cli;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Cli;

public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("error: auraed has no verb 'statsu'\nhint: did you mean 'status'? auraed --help\n", "statsu")]
    [InlineData("error: auraed pki has no verb 'chek'\nhint: did you mean 'check'? auraed pki --help\n", "pki", "chek")]
    [InlineData("error: auraed pki init has no option '--algoritm'\nhint: did you mean '--algorithm'? auraed pki init --help\n", "pki", "init", "--algoritm")]
    [InlineData("error: --output is table, json or csv, not 'xml'\nhint: auraed version --help\n", "version", "--output", "xml")]
    [InlineData("error: 'soon' is not a duration; write 500ms, 10s or 2m\nhint: auraed status --help\n", "status", "--timeout", "soon")]
    [InlineData("error: auraed assets get needs FILE\nhint: auraed assets get --help\n", "assets", "get", "stable")]
    [InlineData("error: auraed assets get: FILE is empty\nhint: auraed assets get --help\n", "assets", "get", "stable", "")]
    [InlineData("error: --limit is a whole number, not 'many'\nhint: auraed assets ls --help\n", "assets", "ls", "--limit", "many")]
    [InlineData("error: --limit is a number of records, or 0 for all, not '-1'\nhint: auraed records ls --help\n", "records", "ls", "vm", "--limit", "-1")]
    [InlineData("error: the option '--timeout' stands before the verb 'status'\nhint: write it after the verb: auraed status --timeout ...\n", "--timeout", "5s", "status")]
    [InlineData("error: the option '--tenant' stands before the verb 'ls'\nhint: write it after the verb: auraed records ls --tenant ...\n", "records", "--tenant=a", "ls", "vm")]
    [InlineData("error: --root is empty\nhint: name the directory, as --root ./.local; without --root it is AURAE_ROOT, or else the system's paths\n", "restore", "a.db", "--root", "")]
    [InlineData("error: --root is empty\nhint: name the directory, as --root ./.local; without --root it is AURAE_ROOT, or else the system's paths\n", "--root=", "config", "show")]
    [InlineData("error: Argument 'tcsh' not recognized. Must be one of: 'bash' 'zsh' 'fish'\nhint: auraed completion --help\n", "completion", "tcsh")]
    [InlineData("error: '0' is no number of an event: they are 1 to 9223372036854775807\nhint: auraed replay --help\n", "replay", "--at", "0")]
    [InlineData("error: '2999-01-01' lies in the future; without --at it is the newest event\nhint: auraed replay --help\n", "replay", "--at", "2999-01-01")]
    [InlineData("error: '1969-07-20' lies before 1970, and before every log\nhint: auraed replay --help\n", "replay", "--at", "1969-07-20")]
    public async Task A_wrong_command_line_names_the_nearest_right_one(string expected, params string[] arguments)
    {
        var run = await Support.Cli.RunAsync(arguments);

        Assert.Equal(expected, run.Error);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Equal(string.Empty, run.Output);
    }

    [Fact]
    public async Task A_noun_without_a_verb_gets_its_help_and_its_verbs()
    {
        var nouns = Nouns(CommandTree.Build(Support.Cli.Environment(Terminal())), []).ToArray();
        Assert.Contains(nouns, noun => noun is ["assets"]);
        foreach (var noun in nouns)
        {
            var help = (await Support.Cli.RunAsync([.. noun, "--help"])).Succeeded();
            var run = await Support.Cli.RunAsync(noun);

            var path = $"auraed {string.Join(' ', noun)}";
            Assert.Equal(ExitCode.Usage, run.Code);
            Assert.Equal(string.Empty, run.Output);
            Assert.StartsWith(help, run.Error, StringComparison.Ordinal);
            Assert.Contains($"\n\nerror: {path} needs a verb: ", run.Error, StringComparison.Ordinal);
            Assert.EndsWith($"\nhint: {path} VERB --help\n", run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("Required", run.Error, StringComparison.Ordinal);
        }

        static Auraed.Cli.Output.Terminal Terminal() => new(TextWriter.Null, TextWriter.Null, isInteractive: false, 100);

        static IEnumerable<string[]> Nouns(Command command, string[] words) => HelpText.VisibleVerbs(command).SelectMany(verb =>
            Nouns(verb, [.. words, verb.Name]).Concat(verb.Action is null ? [[.. words, verb.Name]] : []));
    }

    [Theory]
    [InlineData("records", "apply", "-f", "-")]
    [InlineData("services", "deploy", "-")]
    [InlineData("events", "append", "app.a", "b", "--json", "-")]
    [InlineData("query", "-")]
    [InlineData("assets", "put", "-")]
    public async Task A_standard_input_that_is_closed_is_refused_before_the_daemon_is_asked(params string[] arguments)
    {
        var run = await Support.Cli.RunAsync([.. arguments, "--socket", _directory["none.sock"]], isInputGiven: false);

        Assert.Contains("standard input is closed", run.Error, StringComparison.Ordinal);
        Assert.Contains($"hint: give it something to read: auraed {arguments[0]} {arguments[1].TrimEnd('-')}", run.Error, StringComparison.Ordinal);
        Assert.Contains("<FILE", run.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Of(FaultKind.Invalid), run.Code);
    }

    [Fact]
    public async Task The_root_stands_before_or_after_the_verb_or_in_the_environment()
    {
        var made = _directory["root"];
        (await Support.Cli.RunAsync(["init", "--root", made, "--algorithm", "ec"])).Succeeded();

        var before = await Support.Cli.RunAsync(["--root", made, "pki", "check"]);
        var after = await Support.Cli.RunAsync(["pki", "check", "--root", made]);
        var variable = await Support.Cli.RunAsync(["pki", "check"], new Dictionary<string, string> { ["AURAE_ROOT"] = made });

        Assert.Contains(Path.Combine(made, "pki", "ca.crt"), before.Succeeded(), StringComparison.Ordinal);
        Assert.Equal(before.Output, after.Succeeded());
        Assert.Equal(before.Output, variable.Succeeded());
    }

    [Fact]
    public async Task Init_makes_everything_once_and_says_what_it_made()
    {
        var made = _directory["root"];
        var first = await Support.Cli.RunAsync(["init", "--root", made, "--algorithm", "ec"]);
        var second = await Support.Cli.RunAsync(["init", "--root", made, "--algorithm", "ec", "--output", "json"]);

        Assert.Contains($"next: auraed run --root {made}", first.Succeeded(), StringComparison.Ordinal);
        var steps = second.Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.NotEmpty(steps);
        Assert.All(steps, step => Assert.Equal("kept", step.GetProperty("action").GetString()));
        Assert.All(steps, step => Assert.True(Path.Exists(step.GetProperty("path").GetString())));
        Assert.Contains(steps, step => step.GetProperty("path").GetString() == Path.Combine(made, "auraed.toml"));
        Assert.Contains(steps, step => step.GetProperty("path").GetString() == Path.Combine(made, "config"));
    }

    [Fact]
    public async Task A_client_is_handed_over_without_the_authoritys_key()
    {
        var made = _directory["root"];
        (await Support.Cli.RunAsync(["init", "--root", made, "--algorithm", "ec"])).Succeeded();

        (await Support.Cli.RunAsync(["pki", "client", "alice", "--root", made, "--algorithm", "ec", "--export", _directory["alice"]])).Succeeded();

        var files = Directory.EnumerateFiles(_directory["alice"], "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_directory["alice"], path)).Order(StringComparer.Ordinal);
        Assert.Equal(["config", "pki/_signed.client.alice.crt", "pki/ca.crt", "pki/client.alice.key"], files);
        Assert.Contains(_directory["alice/pki/client.alice.key"], File.ReadAllText(_directory["alice/config"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bad_client_name_is_told_what_a_name_is()
    {
        var run = await Support.Cli.RunAsync(["pki", "client", "../etc", "--root", _directory.Path]);

        Assert.Equal(ExitCode.Of(Base.FaultKind.Invalid), run.Code);
        Assert.StartsWith("error: client name '../etc' holds '.'", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_that_finds_an_error_fails_and_says_the_command()
    {
        var made = _directory["root"];
        (await Support.Cli.RunAsync(["init", "--root", made, "--algorithm", "ec"])).Succeeded();
        var key = Path.Combine(made, "pki", "server.key");
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.OtherRead);

        var run = await Support.Cli.RunAsync(["pki", "check", "--root", made]);

        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains($"chmod 600 {key}", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_daemon_the_error_names_the_socket_and_the_command_that_starts_it()
    {
        var made = _directory["root"];
        (await Support.Cli.RunAsync(["init", "--root", made, "--algorithm", "ec"])).Succeeded();

        foreach (var verb in new[] { "discover", "health", "status" })
        {
            var run = await Support.Cli.RunAsync([verb, "--root", made]);
            Assert.Equal(ExitCode.Of(Base.FaultKind.Unavailable), run.Code);
            Assert.Contains($"cannot connect to {Path.Combine(made, "run", "aurae.sock")}", run.Error, StringComparison.Ordinal);
            Assert.Contains($"hint: auraed run --root {made}", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_a_configuration_the_error_says_where_it_looked()
    {
        var run = await Support.Cli.RunAsync(["discover", "--root", _directory["none"]]);

        Assert.Equal(ExitCode.Of(Base.FaultKind.NotFound), run.Code);
        Assert.Contains(_directory["none/config"], run.Error, StringComparison.Ordinal);
        Assert.Contains("hint: auraed init --root", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hint_names_the_place_that_the_command_was_told()
    {
        var none = _directory["none"];
        var file = _directory["copy.db"];
        File.WriteAllText(file, "");

        Assert.Contains($"auraed --root {none} init", (await Support.Cli.RunAsync(["verify", file, "--root", none])).Error, StringComparison.Ordinal);
        Assert.Contains($"auraed --root {none} init", (await Support.Cli.RunAsync(["verify", file], new Dictionary<string, string> { ["AURAE_ROOT"] = none })).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "auraed init, or auraed restore", "auraed init, or auraed restore")]
    [InlineData("/a b", "auraed init, or auraed restore of it", "auraed --root /a b init, or auraed --root /a b restore of it")]
    [InlineData("/a", "auraed pki init --dir /b", "auraed pki init --dir /b")]
    [InlineData("/a", "auraed run --root /b", "auraed run --root /b")]
    [InlineData("/a", "systemctl start auraed", "systemctl start auraed")]
    [InlineData("/a", "auraed is the daemon, auraedverify is none", "auraed is the daemon, auraedverify is none")]
    public void A_place_is_put_into_commands_alone(string? root, string hint, string placed) =>
        Assert.Equal(placed, new PlacedHints(CommandTree.Build(Support.Cli.Environment(new Auraed.Cli.Output.Terminal(TextWriter.Null, TextWriter.Null, isInteractive: false, 80))), root).Place(hint));

    [Fact]
    public async Task Doctor_judges_a_daemon_that_does_not_run_alike_whether_it_left_a_socket_or_not()
    {
        var made = _directory["root"];
        (await Support.Cli.RunAsync(["init", "--root", made, "--algorithm", "ec"])).Succeeded();
        Assert.Equal(ExitCode.Found, (await Support.Cli.RunAsync(["doctor", "--root", made])).Code);
        File.WriteAllText(Path.Combine(made, "run", "aurae.sock"), "");
        var run = await Support.Cli.RunAsync(["doctor", "--root", made, "--output", "json"]);
        Assert.Equal(ExitCode.Found, run.Code);
        Assert.Contains("nobody listens behind it", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_tries_the_key_on_the_database_of_a_daemon_that_does_not_run()
    {
        var made = _directory["root"];
        (await Support.Cli.RunAsync(["init", "--root", made, "--algorithm", "ec"])).Succeeded();
        var (library, key) = (Path.Combine(made, "lib"), Path.Combine(made, "pki", "server.key"));
        await using (Store.Database.Open(new Store.DatabaseOptions { Directory = library, KeyPath = key }))
        {
        }

        Assert.Contains("opens with", (await Support.Cli.RunAsync(["doctor", "--root", made])).Output, StringComparison.Ordinal);

        File.Move(key, key + ".kept");
        var lost = (await Support.Cli.RunAsync(["doctor", "--root", made, "--output", "json"])).Output;
        Assert.Contains("without it the database is lost", lost, StringComparison.Ordinal);
        Assert.Contains($"put {key} back from its backup", lost, StringComparison.Ordinal);
        Assert.DoesNotContain("pki init", lost, StringComparison.Ordinal);

        Tool.Run("openssl", "genpkey", "-algorithm", "ED25519", "-out", key).Succeeded();
        Assert.Contains("it is another key's", (await Support.Cli.RunAsync(["doctor", "--root", made, "--output", "json"])).Output.Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_without_a_daemon_finds_the_socket_and_goes_on()
    {
        var made = _directory["root"];
        (await Support.Cli.RunAsync(["init", "--root", made, "--algorithm", "ec"])).Succeeded();
        using (var stale = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            stale.Bind(new UnixDomainSocketEndPoint(Path.Combine(made, "run", "aurae.sock")));
        }

        var run = await Support.Cli.RunAsync(["doctor", "--root", made]);

        Assert.Contains("kernel", run.Output, StringComparison.Ordinal);
        Assert.Contains($"auraed run --root {made}", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version", "--json")]
    [InlineData("--output", "json", "version")]
    public async Task Version_is_json_on_demand(params string[] arguments)
    {
        var version = JsonDocument.Parse((await Support.Cli.RunAsync(arguments)).Succeeded()).RootElement;

        Assert.Matches(@"^\d+\.\d+\.\d+", version.GetProperty("version").GetString());
        Assert.StartsWith("SQLite 3.", version.GetProperty("engine").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_version_option_prints_one_line() =>
        Assert.Matches(@"^auraed \d+\.\d+\.\d+\n$", (await Support.Cli.RunAsync(["--version"])).Succeeded());

    [Fact]
    public async Task Completion_asks_the_tree()
    {
        var verbs = (await Support.Cli.RunAsync(["[suggest:11]", "auraed pki "])).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Contains("check", verbs);
        Assert.Contains("client", verbs);
    }

    [Theory]
    [InlineData("auraed -o ", "csv", "json", "table")]
    [InlineData("auraed config explain limits.call", "limits.calls", "limits.call_time")]
    [InlineData("auraed records ls virt", "virtual_machine")]
    [InlineData("auraed status -", "-h", "-o")]
    public async Task What_completion_offers_is_what_is_taken(string line, params string[] expected)
    {
        var offered = (await Support.Cli.RunAsync([$"[suggest:{line.Length}]", line])).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(expected, offered.Where(word => !word.StartsWith("--", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_value_that_completion_offers_is_taken()
    {
        var root = CommandTree.Build(Support.Cli.Environment(new(TextWriter.Null, TextWriter.Null, isInteractive: false, 100)));
        var values = from words in Commands(root, [])
                     let command = words.Aggregate((Command)root, (above, word) => above.Subcommands.Single(verb => verb.Name == word))
                     from option in command.Options.Concat(root.Options.Where(option => option.Recursive))
                     from item in option.GetCompletions(CompletionContext.Empty)
                     select (Words: (string[])[.. words, option.Name, item.Label], Option: option);

        Assert.NotEmpty(values);
        Assert.All(values, value =>
        {
            var result = root.Parse(value.Words).GetResult(value.Option);
            Assert.Equal([value.Words[^1]], result!.Tokens.Select(token => token.Value));
            Assert.Empty(result.Errors);
        });

        static IEnumerable<string[]> Commands(Command command, string[] words) =>
            command.Subcommands.SelectMany(verb => Commands(verb, [.. words, verb.Name])).Prepend(words);
    }

    [Fact]
    public async Task Every_exit_code_has_one_cause()
    {
        Assert.Equal(ExitCode.Meanings.Count(), ExitCode.Meanings.Select(pair => pair.Code).Distinct().Count());
        Assert.All(ExitCode.Meanings, pair => Assert.InRange(pair.Code, 0, ExitCode.BrokenPipe));
        var manual = (await Support.Cli.RunAsync(["docs", "man"])).Succeeded();
        Assert.All(ExitCode.Meanings, pair => Assert.Contains($".B {pair.Code}\n", manual, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_manual_page_is_roff_that_man_takes_without_a_complaint()
    {
        var page = _directory["auraed.8"];
        await File.WriteAllTextAsync(page, (await Support.Cli.RunAsync(["docs", "man"])).Succeeded());

        var text = await File.ReadAllTextAsync(page);
        Assert.StartsWith(".TH AURAED 8", text, StringComparison.Ordinal);
        Assert.Contains(".SS auraed pki init", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\n\n", text, StringComparison.Ordinal);
    }
}
