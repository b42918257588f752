using Auraed.Cli.Output;
using Auraed.Tests.Support;

namespace Auraed.Tests.Unit.Cli;

public class OutputTests
{
    private sealed record Row(string Name, long Size, bool Good);

    private static readonly Column<Row>[] Columns =
    [
        new("name", row => row.Name), new("disk_size", row => Cell.Bytes(row.Size)), new("good", row => row.Good),
    ];

    [Fact]
    public void A_table_aligns_words_left_and_numbers_right()
    {
        Assert.Equal("""
            NAME         DISK SIZE  GOOD
            a                  5 B  yes
            longer name    2.0 KiB  no

            """, Print(OutputFormat.Table, 100, false, new Row("a", 5, true), new Row("longer name", 2048, false)));
    }

    [Fact]
    public void Json_prints_one_object_per_row_with_plain_numbers()
    {
        Assert.Equal("""
            {"name":"a","disk_size":5,"good":true}
            {"name":"naïve \"b\"","disk_size":2048,"good":false}

            """, Print(OutputFormat.Json, 100, false, new Row("a", 5, true), new Row("naïve \"b\"", 2048, false)));
    }

    [Fact]
    public void Only_a_screen_cuts_a_cell()
    {
        var row = new Row(new string('x', 100), 1, true);
        Assert.All(Print(OutputFormat.Table, 50, true, row).Split('\n'), line => Assert.True(line.Length <= 50));
        Assert.Contains(row.Name, Print(OutputFormat.Table, 50, false, row), StringComparison.Ordinal);
    }

    [Fact]
    public void What_comes_from_elsewhere_cannot_command_the_terminal()
    {
        var text = Print(OutputFormat.Table, 100, true, new Row("\e[2Jgone\r\nnew line\u202edeson", 1, true));
        Assert.DoesNotContain('\e', text);
        Assert.DoesNotContain('\u202e', text);
        Assert.Contains(@"\u001b[2Jgone\u000d\nnew line\u202edeson", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("日本", 4)]
    [InlineData("e\u0301", 1)]
    [InlineData("plain", 5)]
    public void Width_counts_the_columns_of_a_screen(string text, int width) => Assert.Equal(width, Units.Width(text));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(1L << 40, "1.0 TiB")]
    public void Sizes_are_in_binary_units(long count, string text) => Assert.Equal(text, Units.Bytes(count));

    [Theory]
    [InlineData("250ms", 0.25)]
    [InlineData("10", 10)]
    [InlineData("1.5s", 1.5)]
    [InlineData("2m", 120)]
    [InlineData("0", 0)]
    public void Durations_have_units(string text, double seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), Units.ParseSpan(text));

    [Theory]
    [InlineData("")]
    [InlineData("-1s")]
    [InlineData("ten")]
    [InlineData("1y")]
    [InlineData("999999999999999d")]
    public void What_is_no_duration_is_none(string text) => Assert.Null(Units.ParseSpan(text));

    [Fact]
    public void Progress_is_silent_for_a_second_then_draws_on_a_screen_and_writes_lines_elsewhere()
    {
        Assert.Equal(string.Empty, Transfer(isInteractive: true, TimeSpan.FromMilliseconds(900)));
        var screen = Transfer(isInteractive: true, TimeSpan.FromSeconds(4));
        Assert.Contains("\r\e[Kcopy  [############............]  50% 512.0 KiB of 1.0 MiB  128.0 KiB/s  4s left", screen, StringComparison.Ordinal);
        var log = Transfer(isInteractive: false, TimeSpan.FromSeconds(4));
        Assert.Equal("copy  50% 512.0 KiB of 1.0 MiB  128.0 KiB/s  4s left\ncopy  50% 512.0 KiB of 1.0 MiB  128.0 KiB/s  4s left\n", log);
    }

    private static string Transfer(bool isInteractive, TimeSpan elapsed)
    {
        var time = new SteppingTime();
        using var error = new StringWriter { NewLine = "\n" };
        using (var progress = new Progress(new Terminal(TextWriter.Null, error, isInteractive, 100), time, "copy", 1 << 20))
        {
            time.Now += elapsed.Ticks;
            progress.Advance(1 << 19);
        }

        return error.ToString();
    }

    private static string Print(OutputFormat format, int width, bool isInteractive, params Row[] rows)
    {
        using var output = new StringWriter { NewLine = "\n" };
        new Printer(new Terminal(output, TextWriter.Null, isInteractive, width), format).Rows(rows, Columns);
        return output.ToString();
    }

    private sealed class SteppingTime : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }
}
