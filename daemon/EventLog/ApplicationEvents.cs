namespace Auraed.EventLog;

/// <summary>The kinds that applications append. No record table is called "app", so that none of them can be taken for a record's event.</summary>
public static class ApplicationEvents
{
    public const string Beginning = "app.";

    public static bool IsKind(string kind) => kind.StartsWith(Beginning, StringComparison.Ordinal);
}
