using System.Text;

namespace Auraed.Migrations.Plugin;

/// <summary>C# text with its indentation.</summary>
internal sealed class Code
{
    private readonly StringBuilder _text = new();
    private int _depth;

    public void Line(string line = "") => _text.Append(' ', line.Length > 0 ? _depth * 4 : 0).Append(line).Append('\n');

    /// <summary>A head and its braces; the block ends when the result is disposed.</summary>
    public Ending Block(string head)
    {
        Line(head);
        Line("{");
        _depth++;
        return new Ending(this);
    }

    public override string ToString() => _text.ToString();

    internal readonly struct Ending(Code code) : IDisposable
    {
        public void Dispose()
        {
            code._depth--;
            code.Line("}");
        }
    }
}
