using System.Globalization;
using System.Text;
using Auraed.Base;

namespace Auraed.Config;

/// <summary>The characters of a TOML document, one position at a time. Line and column count from 1; the end reads as '\0'.</summary>
internal sealed class TomlScanner(string text, string name)
{
    private int _offset = text.StartsWith('\uFEFF') ? 1 : 0;
    private int _line = 1;
    private int _lineStart = text.StartsWith('\uFEFF') ? 1 : 0;

    public char Peek => _offset < text.Length ? text[_offset] : '\0';

    public TomlPosition Position => new(_line, _offset - _lineStart + 1);

    public Fault Error(string what, TomlPosition at) =>
        new(FaultKind.Invalid, $"{name}:{at.Line}:{at.Column}: {what}");

    public void Take(char expected)
    {
        if (Peek != expected)
        {
            throw Error($"'{expected}' is expected, {Shown()} is found", Position);
        }

        _offset++;
    }

    public void SkipBlanks()
    {
        while (Peek is ' ' or '\t')
        {
            _offset++;
        }
    }

    /// <summary>Passes blanks, line ends and comments; false at the end of the document.</summary>
    public bool SkipToContent()
    {
        while (_offset < text.Length)
        {
            SkipBlanks();
            if (Peek == '#')
            {
                SkipComment();
            }
            else if (!SkipLineEnd())
            {
                return _offset < text.Length;
            }
        }

        return false;
    }

    public void ExpectEndOfLine()
    {
        SkipBlanks();
        if (Peek == '#')
        {
            SkipComment();
        }

        if (_offset < text.Length && !SkipLineEnd())
        {
            throw Error($"the end of the line is expected, {Shown()} is found", Position);
        }
    }

    /// <summary>A key as its steps: bare, quoted, or joined by dots.</summary>
    public List<string> ReadKey()
    {
        var steps = new List<string>();
        while (true)
        {
            SkipBlanks();
            steps.Add(Peek is '"' or '\'' ? ReadText().Text : ReadBareKey());
            SkipBlanks();
            if (Peek != '.')
            {
                return steps;
            }

            _offset++;
        }
    }

    public TomlValue ReadText()
    {
        var start = Position;
        var quote = Peek;
        if (text.AsSpan(_offset).StartsWith(new string(quote, 3)))
        {
            throw Error("multi-line strings are not taken here; use \\n in a basic string", start);
        }

        _offset++;
        var result = new StringBuilder();
        while (Peek != quote)
        {
            if (_offset >= text.Length || Peek is '\n' or '\r')
            {
                throw Error($"the string has no closing {quote}", start);
            }

            if (Peek < ' ' && Peek != '\t')
            {
                throw Error("a control character stands in the string", Position);
            }

            if (Peek == '\\' && quote == '"')
            {
                ReadEscape(result);
            }
            else
            {
                result.Append(text[_offset++]);
            }
        }

        _offset++;
        return new TomlValue(TomlKind.Text, result.ToString(), start);
    }

    /// <summary>A boolean, an integer or a float.</summary>
    public TomlValue ReadBare()
    {
        var start = Position;
        var from = _offset;
        while (Peek is not ('\0' or ' ' or '\t' or '\r' or '\n' or ',' or ']' or '}' or '#' or '=' or '"' or '\''))
        {
            _offset++;
        }

        var word = text[from.._offset];
        return word switch
        {
            "" => throw Error($"a value is expected, {Shown()} is found", start),
            "true" => new TomlValue(TomlKind.Boolean, true, start),
            "false" => new TomlValue(TomlKind.Boolean, false, start),
            _ => ReadNumber(word, start),
        };
    }

    private TomlValue ReadNumber(string word, TomlPosition start)
    {
        var digits = word.Replace("_", "", StringComparison.Ordinal);
        var isSeparated = !word.StartsWith('_') && !word.EndsWith('_') && !word.Contains("__", StringComparison.Ordinal);
        var unsigned = digits.TrimStart('+', '-');
        var hasLeadingZero = unsigned.Length > 1 && unsigned[0] == '0' && char.IsAsciiDigit(unsigned[1]);
        if (isSeparated && !hasLeadingZero && unsigned.Length > 0 && (char.IsAsciiDigit(unsigned[0]) && digits.Length - unsigned.Length <= 1))
        {
            if (TryPrefixed(digits, out var integer)
                || long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out integer))
            {
                return new TomlValue(TomlKind.Integer, integer, start);
            }

            const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
            if (!unsigned.EndsWith('.') && !unsigned.Contains(".e", StringComparison.OrdinalIgnoreCase)
                && unsigned.AsSpan().IndexOfAny(".eE") >= 0
                && double.TryParse(digits, Style, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real))
            {
                return new TomlValue(TomlKind.Real, real, start);
            }
        }

        throw Error($"'{word}' is not a value: strings stand in quotes, booleans are true or false, dates are not taken", start);
    }

    private static bool TryPrefixed(string digits, out long value)
    {
        value = 0;
        var (style, isPrefixed) = digits.Length > 2 ? digits[..2] switch
        {
            "0x" => (NumberStyles.AllowHexSpecifier, true),
            "0b" => (NumberStyles.AllowBinarySpecifier, true),
            _ => (NumberStyles.None, false),
        } : (NumberStyles.None, false);
        return isPrefixed && long.TryParse(digits.AsSpan(2), style, CultureInfo.InvariantCulture, out value) && value >= 0;
    }

    private string ReadBareKey()
    {
        var from = _offset;
        while (char.IsAsciiLetterOrDigit(Peek) || Peek is '_' or '-')
        {
            _offset++;
        }

        return _offset > from ? text[from.._offset] : throw Error($"a key is expected, {Shown()} is found", Position);
    }

    private void ReadEscape(StringBuilder into)
    {
        var at = Position;
        _offset++;
        var letter = Peek;
        _offset++;
        switch (letter)
        {
            case 'b': into.Append('\b'); break;
            case 't': into.Append('\t'); break;
            case 'n': into.Append('\n'); break;
            case 'f': into.Append('\f'); break;
            case 'r': into.Append('\r'); break;
            case '"': into.Append('"'); break;
            case '\\': into.Append('\\'); break;
            case 'u': AppendScalar(into, 4, at); break;
            case 'U': AppendScalar(into, 8, at); break;
            default: throw Error("the escape is not one of \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX \\UXXXXXXXX", at);
        }
    }

    private void AppendScalar(StringBuilder into, int digits, TomlPosition at)
    {
        if (_offset + digits > text.Length
            || !uint.TryParse(text.AsSpan(_offset, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var scalar)
            || !Rune.IsValid(scalar))
        {
            throw Error($"the escape needs {digits} hexadecimal digits of a Unicode scalar value", at);
        }

        _offset += digits;
        into.Append(new Rune(scalar).ToString());
    }

    private void SkipComment()
    {
        while (_offset < text.Length && Peek is not ('\n' or '\r'))
        {
            _offset++;
        }
    }

    private bool SkipLineEnd()
    {
        if (Peek == '\r' && _offset + 1 < text.Length && text[_offset + 1] == '\n')
        {
            _offset++;
        }

        if (Peek != '\n')
        {
            return false;
        }

        _offset++;
        _line++;
        _lineStart = _offset;
        return true;
    }

    private string Shown() => Peek switch
    {
        '\0' => "the end of the file",
        '\n' or '\r' => "the end of the line",
        var other => $"'{other}'",
    };
}
