using System.Globalization;
using Auraed.Base;
using Auraed.Store.Records;

namespace Auraed.Tests.Fuzz;

/// <summary>Whatever the text, the parser answers a tree within its bounds or a fault that names the filter. SEED= repeats a run.</summary>
public class FilterParserFuzz
{
    private static readonly string[] Pieces =
    [
        "a", "labels", ".", "tier", "=", "!=", "<", "<=", ">", ">=", ":", "(", ")", "\"", "'", "\\", "*", "-", "AND", "OR", "NOT", " ", " ", " ", "1", "-5", "1.5", ",",
        "null", "true", "\"x\"", "\"a*\"", "a = 1", "labels:x", "NOT (", ") OR (", "\u00e9", "\ud83d\ude00", "\0", "\t", "\n", "2026-01-01",
    ];

    [Fact]
    public void Any_text_gives_a_tree_or_a_fault_that_names_the_filter()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SEED"), CultureInfo.InvariantCulture, out int given) ? given : Environment.TickCount;
        var random = new Random(seed);
        int trees = 0;
        for (int round = 0; round < 30_000; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 24)).Select(_ => Piece(random)));
            try
            {
                FilterNode? node = FilterParser.Parse(text);
                trees += node is null ? 0 : 1;
                Assert.True(node is null || Count(node, 0) <= Limits.FilterTermsMax);
            }
            catch (Fault fault)
            {
                Assert.True(fault is { Kind: FaultKind.Invalid, Field: "filter" }, $"SEED={seed} {text}: {fault.Kind} {fault.Message}");
            }
            catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"SEED={seed} {text}: {exception}");
            }
        }

        Assert.True(trees > 100, $"SEED={seed}: only {trees} texts were filters");
    }

    private static string Piece(Random random) =>
        random.Next(20) == 0 ? ((char)random.Next(1, 0x3000)).ToString() : Pieces[random.Next(Pieces.Length)];

    private static int Count(FilterNode node, int depth)
    {
        Assert.True(depth <= (4 * Limits.FilterDepthMax) + 4);
        return node switch
        {
            FilterAnd and => and.Nodes.Sum(inner => Count(inner, depth + 1)),
            FilterOr or => or.Nodes.Sum(inner => Count(inner, depth + 1)),
            FilterNot not => Count(not.Node, depth + 1),
            _ => 1,
        };
    }
}
