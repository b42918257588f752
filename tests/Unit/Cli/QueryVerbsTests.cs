using System.Text;
using Auraed.Base;
using Auraed.Cli.Output;
using Auraed.Cli.Verbs;
using Aurae.Query.V0;
using Google.Protobuf;

namespace Auraed.Tests.Unit.Cli;

/// <summary>What `auraed query` takes and prints.</summary>
public class QueryVerbsTests
{
    [Theory]
    [InlineData("a=12", "a", "{ \"integer\": \"12\" }")]
    [InlineData(":a=-7", "a", "{ \"integer\": \"-7\" }")]
    [InlineData("a=1.5", "a", "{ \"real\": 1.5 }")]
    [InlineData("a=x=y", "a", "{ \"text\": \"x=y\" }")]
    [InlineData("a=", "a", "{ \"text\": \"\" }")]
    [InlineData("a:text=007", "a", "{ \"text\": \"007\" }")]
    [InlineData("a:real=1", "a", "{ \"real\": 1 }")]
    [InlineData("a:blob=00ff", "a", "{ \"blob\": \"AP8=\" }")]
    [InlineData("a:null=", "a", "{ }")]
    public void A_parameter_has_the_type_that_it_looks_like_or_that_is_said(string text, string name, string value)
    {
        var parsed = QueryVerbs.ParseParameter(text);
        Assert.Equal((name, value), (parsed.Name, JsonFormatter.Default.Format(parsed.Value)));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("=1")]
    [InlineData("a:integer=x")]
    [InlineData("a:blob=0")]
    [InlineData("a:date=1")]
    public void A_parameter_that_cannot_be_read_is_refused(string text) =>
        Assert.Equal(FaultKind.Invalid, Assert.Throws<Fault>(() => QueryVerbs.ParseParameter(text)).Kind);

    [Fact]
    public void An_answer_is_printed_as_a_table_as_json_and_as_csv()
    {
        Assert.Equal("ID    N  ID 2\na    12  x'00ff'\n\"b\"  -   two\\nlines\n", Print(OutputFormat.Table));
        Assert.Equal("{\"id\":\"a\",\"n\":12,\"id_2\":\"AP8=\"}\n{\"id\":\"\\\"b\\\"\",\"n\":null,\"id_2\":\"two\\nlines\"}\n", Print(OutputFormat.Json));
        Assert.Equal("id,n,id_2\na,12,AP8=\n\"\"\"b\"\"\",,\"two\nlines\"\n", Print(OutputFormat.Csv));
    }

    [Fact]
    public void An_answer_without_rows_has_its_names_still()
    {
        Assert.Equal("ID  N  ID 2\n", Print(OutputFormat.Table, isEmpty: true));
        Assert.Equal("", Print(OutputFormat.Json, isEmpty: true));
        Assert.Equal("id,n,id_2\n", Print(OutputFormat.Csv, isEmpty: true));
    }

    private static string Print(OutputFormat format, bool isEmpty = false)
    {
        var output = new StringWriter(new StringBuilder()) { NewLine = "\n" };
        var printer = new QueryPrinter(new Printer(new Terminal(output, TextWriter.Null, isInteractive: false, 100), format));
        var columns = new Columns();
        columns.Columns_.Add(new[] { "id", "n", "id" }.Select(name => new Column { Name = name }));
        printer.Take(new QueryResponse { Columns = columns });
        if (!isEmpty)
        {
            // Two batches, which must look like one.
            printer.Take(RowOf(new Value { Text = "a" }, new Value { Integer = 12 }, new Value { Blob = ByteString.CopyFrom(0, 255) }));
            printer.Take(RowOf(new Value { Text = "\"b\"" }, new Value(), new Value { Text = "two\nlines" }));
        }

        printer.Take(new QueryResponse { Summary = new Summary() });
        return output.ToString();
    }

    private static QueryResponse RowOf(params Value[] values)
    {
        var row = new Row();
        row.Values.Add(values);
        return new QueryResponse { Rows = new Rows { Rows_ = { row } } };
    }
}
