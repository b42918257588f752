using System.Text;

namespace Auraed.Migrations;

/// <summary>Names as protoc's C# generator makes them.</summary>
public static class CSharpNames
{
    /// <summary>The property of a field: <c>mem_size_mb</c> becomes <c>MemSizeMb</c>; a letter after a digit is upper case too.</summary>
    public static string Property(string field, string message)
    {
        var name = Pascal(field);
        return name == message || name is "Types" or "Descriptor" ? name + "_" : name;
    }

    public static string Namespace(string package) => string.Join('.', package.Split('.').Select(Pascal));

    public static string Pascal(string name)
    {
        var text = new StringBuilder(name.Length);
        var upper = true;
        foreach (var letter in name)
        {
            if (char.IsAsciiLetter(letter))
            {
                text.Append(upper ? char.ToUpperInvariant(letter) : letter);
                upper = false;
            }
            else
            {
                if (char.IsAsciiDigit(letter))
                {
                    text.Append(letter);
                }

                upper = true;
            }
        }

        return text.ToString();
    }
}
