using Auraed.Base;
using Auraed.Chunks.Stores;

namespace Auraed.Domain.Assets;

/// <summary>A cache before the origin, and what it wants to see before it forgets something.</summary>
/// <param name="Root">Its address of the origin's root, without a slash at its end.</param>
/// <param name="Authorization">The Authorization header's value; null for none. A secret.</param>
internal sealed record PurgeTarget(Uri Root, string? Authorization)
{
    public override string ToString() => Root.AbsoluteUri.TrimEnd('/');
}

/// <summary>The file of the caches: a URL a line, and behind a space what is sent as Authorization. Lines that begin with # are comments.</summary>
internal static class PurgeTargets
{
    /// <summary>Fault(Invalid) names the line by its number; its content may be a secret.</summary>
    public static IReadOnlyList<PurgeTarget> Read(string file)
    {
        var targets = new List<PurgeTarget>();
        string[] lines = StoreOptions.ReadFile(file, "origin.purge_file").Split('\n');
        for (int number = 0; number < lines.Length; number++)
        {
            string[] parts = lines[number].Trim().Split(' ', 2, StringSplitOptions.TrimEntries);
            if (parts[0].Length == 0 || parts[0][0] == '#')
            {
                continue;
            }

            if (!Uri.TryCreate(parts[0], UriKind.Absolute, out Uri? root) || root.Scheme is not ("http" or "https") || root.UserInfo.Length + root.Query.Length + root.Fragment.Length > 0)
            {
                throw Fault.Invalid("origin.purge_file", $"line {number + 1} of {file} does not begin with the URL of a cache", "as in: https://cdn.example/assets Bearer TOKEN");
            }

            targets.Add(new PurgeTarget(root, parts.Length > 1 ? parts[1] : null));
        }

        return targets;
    }
}
