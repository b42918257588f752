using Auraed.Base;
using Auraed.Cli;

namespace Auraed.Tests.Unit.Cli;

/// <summary>What is wrong with a record's JSON is named by its place.</summary>
public class RecordJsonTests
{
    [Theory]
    [InlineData("9007199254740993", "body.ids[1]")]
    [InlineData("-9007199254740993", "body.ids[1]")]
    [InlineData("18446744073709551615", "body.ids[1]")]
    [InlineData("100000000000000000000000000000001", "body.ids[1]")]
    public void A_number_of_a_document_that_would_become_another_is_refused(string number, string field)
    {
        var fault = Refused($$$"""[{"@type": "document", "id": "a", "body": {"ids": [1, {{{number}}}]}}]""");

        Assert.StartsWith($"{field} is {number}, which would become another number", fault.Message, StringComparison.Ordinal);
        Assert.Equal($"write it as a text: \"{number}\"", fault.Hint);
    }

    [Theory]
    [InlineData("9007199254740992")]
    [InlineData("-9007199254740992")]
    [InlineData("9007199254740994")]
    [InlineData("100000000000000000000")]
    [InlineData("0.1")]
    [InlineData("1e300")]
    [InlineData("\"9007199254740993\"")]
    public void What_a_double_holds_is_taken(string value) =>
        Assert.Single(RecordJson.Operations($$$"""{"@type": "document", "id": "a", "body": {"n": {{{value}}}}}"""));

    [Fact]
    public void Whole_numbers_of_other_records_keep_their_64_bits() =>
        Assert.Single(RecordJson.Operations("""{"@type": "vm", "id": "a", "mem_size_mb": 4294967295}"""));

    [Fact]
    public void A_value_of_the_wrong_kind_is_named_by_its_field() =>
        Assert.Contains("mem_size_mb: ", Refused("""{"@type": "vm", "id": "a", "mem_size_mb": "lots"}""").Message, StringComparison.Ordinal);

    [Fact]
    public void A_text_that_is_no_JSON_is_named_by_line_and_column()
    {
        var message = Refused("{\n  \"@type\": vm}").Message;

        Assert.EndsWith("(line 2, column 12)", message, StringComparison.Ordinal);
        Assert.DoesNotContain("LineNumber", message, StringComparison.Ordinal);
    }

    private static Fault Refused(string json)
    {
        var fault = Assert.Throws<Fault>(() => RecordJson.Operations(json));
        Assert.Equal(FaultKind.Invalid, fault.Kind);
        return fault;
    }
}
