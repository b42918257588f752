using System.Globalization;
using Aurae.Events.V0;

namespace Auraed.Cli.Output;

/// <summary>Events line by line as they come: for people in columns, coloured by what became of the record; JSON and CSV as other lists.</summary>
internal sealed class EventLines(Printer printer)
{
    private const int SequenceWidth = 9;
    private const int KindWidth = 27;
    private const int SubjectWidth = 28;

    private static readonly Column<Event>[] Columns =
    [
        new("sequence", line => line.Sequence),
        new("revision", line => line.Revision),
        new("time", line => Cell.Time(line.Time.ToDateTimeOffset())),
        new("tenant", line => line.Tenant),
        new("kind", line => line.Kind),
        new("subject", line => line.Subject),
        new("principal", line => line.Principal),
        new("request_id", line => line.HasRequestId ? line.RequestId : null),
    ];

    private bool _isBegun;

    public void Print(IReadOnlyCollection<Event> events)
    {
        if (printer.IsCsv)
        {
            PrintCsv(events);
            return;
        }

        foreach (Event line in events)
        {
            if (printer.IsJson)
            {
                printer.Terminal.Out.WriteLine(Json(line, isIndented: false));
                continue;
            }

            if (!_isBegun)
            {
                printer.Terminal.Out.WriteLine(printer.Terminal.Paint(Colour.Bold, Text("SEQUENCE", "TIME", "KIND", "SUBJECT", "PRINCIPAL")));
                _isBegun = true;
            }

            printer.Terminal.Out.WriteLine(Text(line));
        }

        printer.Terminal.Out.Flush();
    }

    /// <summary>With its payload in protobuf's JSON; a payload of a type that is not known here is left out.</summary>
    public static string Json(Event line, bool isIndented)
    {
        if (RecordJson.Knows(line.Payload))
        {
            return RecordJson.Write(line, isIndented);
        }

        Event bare = line.Clone();
        bare.Payload = null;
        return RecordJson.Write(bare, isIndented);
    }

    private void PrintCsv(IReadOnlyCollection<Event> events)
    {
        if (_isBegun)
        {
            printer.More(events, Columns);
        }
        else
        {
            printer.Rows(events, Columns);
            _isBegun = true;
        }

        printer.Terminal.Out.Flush();
    }

    private string Text(Event line)
    {
        string time = line.Time.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        string text = Text(line.Sequence.ToString(CultureInfo.InvariantCulture), time, Units.Printable(line.Kind), Units.Printable(line.Subject), Units.Printable(line.Principal));
        return line.Kind[(line.Kind.LastIndexOf('.') + 1)..] switch
        {
            "created" => printer.Terminal.Paint(Colour.Green, text),
            "updated" => printer.Terminal.Paint(Colour.Yellow, text),
            "deleted" => printer.Terminal.Paint(Colour.Red, text),
            _ => text,
        };
    }

    private static string Text(string sequence, string time, string kind, string subject, string principal) =>
        $"{sequence.PadLeft(SequenceWidth)}  {time,-24}  {kind.PadRight(KindWidth)}  {subject.PadRight(SubjectWidth)}  {principal}";
}
