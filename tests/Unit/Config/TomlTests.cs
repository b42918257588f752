using Auraed.Base;
using Auraed.Config;

namespace Auraed.Tests.Unit.Config;

public class TomlTests
{
    [Fact]
    public void Tables_dotted_keys_strings_numbers_and_arrays_are_read()
    {
        var table = Toml.Parse(
            """
            # a comment
            title = "a \"b\" \u00e9" # another
            path = 'C:\raw'
            "quoted key" = true
            a.b = -1_000
            hex = 0xff
            real = 1.5e2
            list = [1, 2,
              3, ]
            point = { x = 1, y = 2 }

            [auth]
            ca_crt = "ca"
            [auth.deep]
            k = false
            """,
            "f");
        Assert.Equal("a \"b\" é", table.Find("title")!.Text);
        Assert.Equal(@"C:\raw", table.Find("path")!.Text);
        Assert.True(table.Find("quoted key")!.Boolean);
        Assert.Equal(-1000, table.FindPath("a.b")!.Integer);
        Assert.Equal(255, table.Find("hex")!.Integer);
        Assert.Equal(150.0, table.Find("real")!.Real);
        Assert.Equal([1L, 2L, 3L], table.Find("list")!.Array.Select(value => value.Integer));
        Assert.Equal(2, table.FindPath("point.y")!.Integer);
        Assert.Equal("ca", table.FindPath("auth.ca_crt")!.Text);
        Assert.False(table.FindPath("auth.deep.k")!.Boolean);
    }

    [Theory]
    [InlineData("a = 1\na = 2", "f:2:1: key a is given twice")]
    [InlineData("[t]\n[t]", "f:2:1: table [t] is given twice")]
    [InlineData("a = \"x", "f:1:5: the string has no closing \"")]
    [InlineData("a = 01", "f:1:5: '01' is not a value")]
    [InlineData("a = 2026-01-31", "f:1:5: '2026-01-31' is not a value")]
    [InlineData("a = \"\"\"x\"\"\"", "f:1:5: multi-line strings are not taken here")]
    [InlineData("[[a]]", "f:1:1: arrays of tables")]
    [InlineData("a = 1 b = 2", "f:1:7: the end of the line is expected, 'b' is found")]
    [InlineData("a 1", "f:1:3: '=' is expected, '1' is found")]
    [InlineData("a = [1 2]", "f:1:8: ']' is expected, '2' is found")]
    [InlineData("a = \"\\x\"", "f:1:6: the escape is not one of")]
    [InlineData("a = 1\n[a]", "f:2:1: a is a value already")]
    [InlineData("= 1", "f:1:1: a key is expected")]
    [InlineData("a = [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "nested deeper than 16")]
    public void What_is_not_understood_is_refused_with_its_place(string text, string message)
    {
        var fault = Assert.Throws<Fault>(() => Toml.Parse(text, "f"));
        Assert.Equal(FaultKind.Invalid, fault.Kind);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }
}
