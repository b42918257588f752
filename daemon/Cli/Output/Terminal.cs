using System.Text;
using Auraed.Native;

namespace Auraed.Cli.Output;

/// <summary>Where a verb writes: standard output for what was asked for, standard error for everything else.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error, bool isInteractive, int width)
{
    private const int WidthMin = 40;
    private const int WidthDefault = 100;
    private const int BufferCharacters = 16 * 1024;

    /// <summary>
    /// Of the process: held back until it is flushed, or until the verb ends; a person sees each line at once. What cannot be written is a <see cref="StandardOutputException"/>.
    /// </summary>
    public TextWriter Out { get; } = output;

    public TextWriter Error { get; } = error;

    /// <summary>True when a person watches standard output; only then may a line be redrawn or a cell be shortened.</summary>
    public bool IsInteractive { get; } = isInteractive;

    /// <summary>Columns of the screen; of a file or pipe, a width that reads well.</summary>
    public int Width { get; } = width;

    /// <summary>Colours are for people, and for those who did not say otherwise (the NO_COLOR convention).</summary>
    public bool HasColours { get; init; }

    /// <summary>True when whoever read standard output is gone.</summary>
    public Func<bool> IsReaderGone { get; init; } = () => false;

    public static Terminal OfProcess(Func<string, string?> variable)
    {
        var output = new StandardOutput();
        var isInteractive = !Console.IsOutputRedirected && variable("TERM") != "dumb";
        var results = Text(output, isFlushed: isInteractive);
        var error = Text(new DiagnosticStream(results, new StandardOutput(StandardOutput.Error)), isFlushed: true);
        return new Terminal(results, error, isInteractive, isInteractive ? ScreenWidth() : WidthDefault)
        {
            HasColours = isInteractive && string.IsNullOrEmpty(variable("NO_COLOR")),
            IsReaderGone = () => output.IsReaderGone,
        };
    }

    /// <summary>Ends the verb, as a write would, when there is nobody left to read.</summary>
    public void RequireReader()
    {
        if (IsReaderGone())
        {
            throw StandardOutputException.ReaderGone();
        }
    }

    public string Paint(Colour colour, string text) => HasColours ? $"\e[{(int)colour}m{text}\e[0m" : text;

    private static TextWriter Text(Stream stream, bool isFlushed) =>
        TextWriter.Synchronized(new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), BufferCharacters) { AutoFlush = isFlushed });

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
