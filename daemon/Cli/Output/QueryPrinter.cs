using System.Globalization;
using Aurae.Query.V0;

namespace Auraed.Cli.Output;

/// <summary>Prints an answer as it comes: JSON and CSV batch by batch; a table, whose widths all rows decide, at the end.</summary>
internal sealed class QueryPrinter(Printer printer)
{
    private readonly List<Row> _rows = [];
    private Column<Row>[] _columns = [];
    private bool _isBegun;

    /// <summary>Once the answer is complete.</summary>
    public Summary? Summary { get; private set; }

    public void Take(QueryResponse message)
    {
        switch (message.MessageCase)
        {
            case QueryResponse.MessageOneofCase.Columns:
                _columns = ColumnsOf(message.Columns);
                break;
            case QueryResponse.MessageOneofCase.Rows when printer.IsJson || printer.IsCsv:
                Print(message.Rows.Rows_);
                break;
            case QueryResponse.MessageOneofCase.Rows:
                _rows.AddRange(message.Rows.Rows_);
                break;
            case QueryResponse.MessageOneofCase.Summary:
                Summary = message.Summary;
                if (!_isBegun)
                {
                    Print(_rows);
                }

                break;
        }
    }

    private void Print(IReadOnlyCollection<Row> rows)
    {
        if (_isBegun)
        {
            printer.More(rows, _columns);
            return;
        }

        _isBegun = true;
        printer.Rows(rows, _columns);
    }

    /// <summary>Columns of one name are told apart by a number, as an object in JSON has each name once.</summary>
    private static Column<Row>[] ColumnsOf(Columns columns)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        return
        [
            .. columns.Columns_.Select((column, index) =>
            {
                var name = column.Name;
                for (var number = 2; !used.Add(name); number++)
                {
                    name = $"{column.Name}_{number}";
                }

                return new Column<Row>(name, row => CellOf(row.Values[index]));
            }),
        ];
    }

    private static Cell CellOf(Value value) => value.KindCase switch
    {
        Value.KindOneofCase.Integer => value.Integer,
        Value.KindOneofCase.Real when double.IsFinite(value.Real) =>
            Cell.Exactly(value.Real.ToString("R", CultureInfo.InvariantCulture), writer => writer.WriteNumberValue(value.Real)),
        Value.KindOneofCase.Real => value.Real.ToString(CultureInfo.InvariantCulture),
        Value.KindOneofCase.Text => value.Text,
        Value.KindOneofCase.Blob => Cell.Exactly("x'" + Convert.ToHexStringLower(value.Blob.Span) + "'", writer => writer.WriteBase64StringValue(value.Blob.Span)),
        Value.KindOneofCase.None => default,
    };
}
