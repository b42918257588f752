using Auraed.Base;

namespace Auraed.Domain.Cells;

/// <summary>Upstream's words, by which its clients tell what went wrong.</summary>
internal static class CellFaults
{
    public static Fault Required(string field) => Field(field, $"Field = {field}; Required");

    public static Fault Pattern(string field, string pattern) => Field(field, $"Field = {field};  Regex = {pattern}");

    public static Fault Minimum(string field, long minimum) => Field(field, $"Field = {field}; Minimum = {minimum} {Units(minimum)}");

    public static Fault Maximum(string field, long maximum) => Field(field, $"Field = {field}; Maximum = {maximum} {Units(maximum)}");

    public static Fault CellExists(string cell) => new(FaultKind.AlreadyExists, $"cell '{cell}' already exists'") { Reason = "CELL_EXISTS" };

    public static Fault CellMissing(string cell) => new(FaultKind.NotFound, $"cell '{cell}' not found", hint: "auraed cells list") { Reason = "CELL_NOT_FOUND" };

    public static Fault CellFailed(string cell, string what, Fault why) => new(FaultKind.Internal, $"cell '{cell}' could not be {what}: {why.Message}", hint: why.Hint, cause: why)
    {
        Reason = why.Reason ?? "CELL_FAILED",
    };

    public static Fault ExecutableExists(string executable) => new(FaultKind.AlreadyExists, $"executable '{executable}' exists") { Reason = "EXECUTABLE_EXISTS" };

    public static Fault ExecutableMissing(string executable) => new(FaultKind.NotFound, $"executable '{executable}' not found") { Reason = "EXECUTABLE_NOT_FOUND" };

    public static Fault ExecutableFailed(string executable, string what, Fault why) => new(FaultKind.Internal, $"executable '{executable}' failed to {what}: {why.Message}", hint: why.Hint, cause: why)
    {
        Reason = why.Reason ?? "EXECUTABLE_FAILED",
    };

    private static Fault Field(string field, string message) => new(FaultKind.Precondition, message, field);

    private static string Units(long count) => count == 1 ? "unit" : "units";
}
