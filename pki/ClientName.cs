using System.Diagnostics.CodeAnalysis;

namespace Aurae.Pki;

/// <summary>
/// The name of a client certificate: one DNS label in lower case, so it is safe in a file name, a subject and a subject alternative name.
/// Names that a file or a subject of the set already bears are refused: a client called <c>server</c> would carry the server's own name.
/// </summary>
public readonly record struct ClientName
{
    /// <summary>A common name holds 64 characters at most (X.520) and <c>.unsafe.aurae.io</c> takes 16 of them.</summary>
    public const int CharactersMax = 48;

    private static readonly string[] Reserved = ["server", "ca", "root"];

    private readonly string? _value;

    private ClientName(string value) => _value = value;

    /// <summary>The name that upstream's default client configuration refers to.</summary>
    public static ClientName Default { get; } = new("nova");

    public string Value => _value ?? throw new InvalidOperationException("a client name is made by TryParse");

    public static bool TryParse(string? text, out ClientName name, [NotNullWhen(false)] out string? why)
    {
        name = default;
        why = Explain(text);
        if (why is not null)
        {
            return false;
        }

        name = new ClientName(text!);
        return true;
    }

    public static ClientName Parse(string? text) =>
        TryParse(text, out var name, out var why)
            ? name
            : throw new PkiException(PkiFailure.InvalidName, $"client name '{text}' {why}", "choose one of a-z, 0-9 and '-', as in: auraed pki client nova");

    public override string ToString() => Value;

    private static string? Explain(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "is empty";
        }

        if (text.Length > CharactersMax)
        {
            return $"is longer than {CharactersMax} characters";
        }

        foreach (var character in text)
        {
            if (character is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '-'))
            {
                return $"holds '{character}', which is not one of a-z, 0-9 and '-'";
            }
        }

        if (text[0] == '-' || text[^1] == '-')
        {
            return "begins or ends with '-'";
        }

        return Array.IndexOf(Reserved, text) >= 0 ? "is reserved" : null;
    }
}
