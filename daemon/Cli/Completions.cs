using System.CommandLine;

namespace Auraed.Cli;

/// <summary>
/// The shells' completion scripts. Each asks the binary itself (the library's suggest directive, tens of milliseconds), so verbs and options
/// complete as this build has them, and file names where nothing else does.
/// </summary>
internal static class Completions
{
    public static readonly string[] Shells = ["bash", "zsh", "fish"];

    /// <summary>Completes its value with these words; the library would offer the names of a type's members, which are not what is written.</summary>
    public static T Offering<T>(this T option, params string[] words)
        where T : Option
    {
        option.CompletionSources.Clear();
        option.CompletionSources.Add(words);
        return option;
    }

    public static Argument<T> Offering<T>(this Argument<T> argument, params string[] words)
    {
        argument.CompletionSources.Clear();
        argument.CompletionSources.Add(words);
        return argument;
    }

    public static string Script(string shell) => shell switch
    {
        "bash" => Bash,
        "zsh" => Zsh,
        _ => Fish,
    };

    private const string Bash = """
        # bash completion of auraed; made by `auraed completion bash`
        _auraed() {
            local word=${COMP_WORDS[COMP_CWORD]}
            local line=${COMP_LINE:0:COMP_POINT}
            local IFS=$'\n'
            COMPREPLY=( $(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null)" -- "$word") )
            [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default
        }
        complete -F _auraed auraed

        """;

    private const string Zsh = """
        #compdef auraed
        # zsh completion of auraed; made by `auraed completion zsh`
        _auraed() {
            local line=$LBUFFER
            local -a found
            found=("${(@f)$(${words[1]} "[suggest:${#line}]" "$line" 2>/dev/null)}")
            if [[ -n ${found[1]} ]]; then
                compadd -a found
            else
                _files
            fi
        }
        if [[ $funcstack[1] == _auraed ]]; then _auraed "$@"; else compdef _auraed auraed; fi

        """;

    private const string Fish = """
        # fish completion of auraed; made by `auraed completion fish`
        function __auraed_suggest
            set -l line (commandline -cp)
            auraed "[suggest:"(string length -- $line)"]" $line 2>/dev/null
        end
        complete -c auraed -a '(__auraed_suggest)'

        """;
}
