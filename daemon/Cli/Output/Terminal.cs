namespace Auraed.Cli.Output;

/// <summary>Where a verb writes: standard output for what was asked for, standard error for everything else.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error, bool isInteractive, int width)
{
    private const int WidthMin = 40;
    private const int WidthDefault = 100;

    public TextWriter Out { get; } = output;

    public TextWriter Error { get; } = error;

    /// <summary>True when a person watches standard output; only then may a line be redrawn or a cell be shortened.</summary>
    public bool IsInteractive { get; } = isInteractive;

    /// <summary>Columns of the screen; of a file or pipe, a width that reads well.</summary>
    public int Width { get; } = width;

    /// <summary>Colours are for people, and for those who did not say otherwise (the NO_COLOR convention).</summary>
    public bool HasColours { get; init; }

    public static Terminal OfProcess(Func<string, string?> variable)
    {
        var isInteractive = !Console.IsOutputRedirected && variable("TERM") != "dumb";
        return new Terminal(Console.Out, Console.Error, isInteractive, isInteractive ? ScreenWidth() : WidthDefault)
        {
            HasColours = isInteractive && string.IsNullOrEmpty(variable("NO_COLOR")),
        };
    }

    public string Paint(Colour colour, string text) => HasColours ? $"\e[{(int)colour}m{text}\e[0m" : text;

    private static int ScreenWidth()
    {
        try
        {
            return Console.WindowWidth >= WidthMin ? Console.WindowWidth : WidthDefault;
        }
        catch (IOException)
        {
            return WidthDefault;
        }
    }
}

/// <summary>Values are the ANSI codes.</summary>
internal enum Colour
{
    Bold = 1,
    Red = 31,
    Green = 32,
    Yellow = 33,
}
