using System.Globalization;

namespace Auraed.Domain.Events;

/// <summary>Events that a consumer says it holds.</summary>
/// <param name="Sequences">Empty for all of the lease.</param>
public sealed record LeasedEvents(string Cursor, LeaseName Lease, IReadOnlyList<long> Sequences);

/// <summary>One handing out of events by one cursor. As text two hexadecimal numbers with a dot between.</summary>
/// <param name="Cursor">The cursor's row id, which no other cursor ever has.</param>
/// <param name="Number">Of that cursor's leases, from 1.</param>
public readonly record struct LeaseName(long Cursor, long Number)
{
    public static bool TryParse(string text, out LeaseName lease)
    {
        lease = default;
        string[] parts = text.Split('.');
        if (parts.Length != 2 || !TryParseNumber(parts[0], out long cursor) || !TryParseNumber(parts[1], out long number))
        {
            return false;
        }

        lease = new LeaseName(cursor, number);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Cursor:x}.{Number:x}");

    private static bool TryParseNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number) && number > 0 && text[0] != '0';
}
