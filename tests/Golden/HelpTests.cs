using System.CommandLine;
using Auraed.Cli;
using Auraed.Cli.Output;
using Auraed.Cli.Verbs;
using Auraed.Config;
using Auraed.Tests.Support;

namespace Auraed.Tests.Golden;

/// <summary>What `--help` says is what people and scripts rely on: a change of it is reviewed.</summary>
public class HelpTests
{
    [Fact]
    public async Task Help_of_every_verb_is_as_reviewed()
    {
        var text = new StringWriter { NewLine = "\n" };
        foreach (var words in Paths())
        {
            var help = await Support.Cli.RunAsync([.. words, "--help"]);
            text.WriteLine($"$ auraed {string.Join(' ', words.Append("--help"))}");
            text.WriteLine(help.Succeeded());
        }

        Support.Golden.Verify(text.ToString(), "all");
    }

    [Fact]
    public async Task Completion_scripts_are_as_reviewed()
    {
        foreach (var shell in new[] { "bash", "zsh", "fish" })
        {
            Support.Golden.Verify((await Support.Cli.RunAsync(["completion", shell])).Succeeded(), $"completion-{shell}");
        }
    }

    [Fact]
    public void The_configuration_file_that_init_writes_is_as_reviewed_and_changes_nothing()
    {
        var text = ConfigVerbs.DefaultFile();

        Support.Golden.Verify(text, "auraed-toml");
        Assert.Empty(Toml.Parse(text, "auraed.toml").Leaves());
    }

    [Fact]
    public void The_defaults_in_the_file_are_what_the_daemon_takes_for_a_value()
    {
        using var directory = new TemporaryDirectory();
        var lines = ConfigVerbs.DefaultFile().Split('\n').Select(line => line.StartsWith('#') && line.Contains(" = ", StringComparison.Ordinal) && line[1] != ' ' ? line[1..] : line);
        File.WriteAllText(directory["auraed.toml"], string.Join('\n', lines.Where(line => !line.StartsWith("socket", StringComparison.Ordinal))));

        var settings = SettingsLoader.Load(new Dictionary<string, string>(), new Dictionary<string, string>(), null, directory.Path);

        Assert.All(SettingsCatalog.All, setting => Assert.Equal(setting.Key == "socket" ? SettingOrigin.Default : SettingOrigin.File, settings.OriginOf(setting.Key)));
    }

    [Fact]
    public void Every_verb_has_a_description_and_an_example()
    {
        var offences = from words in Paths()
                       let command = Find(words)
                       where string.IsNullOrEmpty(command.Description) || HelpText.ExamplesOf(command).Count == 0 && command.Action is not null
                       select string.Join(' ', words);
        Assert.Empty(offences);
    }

    private static IEnumerable<string[]> Paths() => Walk(Tree(), []);

    private static IEnumerable<string[]> Walk(Command command, string[] words)
    {
        yield return words;
        foreach (var path in HelpText.VisibleVerbs(command).SelectMany(verb => Walk(verb, [.. words, verb.Name])))
        {
            yield return path;
        }
    }

    private static Command Find(string[] words) => words.Aggregate((Command)Tree(), (command, word) => command.Subcommands.Single(verb => verb.Name == word));

    private static RootCommand Tree() => CommandTree.Build(Support.Cli.Environment(new Terminal(TextWriter.Null, TextWriter.Null, isInteractive: false, 100)));
}
