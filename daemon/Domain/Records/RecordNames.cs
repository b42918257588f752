using System.Buffers;
using System.Text;
using Aurae.Schema;
using Auraed.Base;

namespace Auraed.Domain.Records;

/// <summary>What may be a tenant, a record's name, a label, a request id and a type. Every fault names the request's field.</summary>
public static class RecordNames
{
    public const string DefaultTenant = "default";

    private static readonly SearchValues<char> LabelKeyCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-");

    private static readonly SearchValues<char> TenantCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>A DNS label in lower case; empty is the default tenant.</summary>
    public static string Tenant(string text, string field = "tenant")
    {
        if (text.Length == 0)
        {
            return DefaultTenant;
        }

        return text.Length <= Limits.TenantNameCharactersMax && !text.AsSpan().ContainsAnyExcept(TenantCharacters) && text[0] != '-' && text[^1] != '-'
            ? text
            : throw Fault.Invalid(field, $"{field} is not 1 to {Limits.TenantNameCharactersMax} of a-z, 0-9 and '-', with '-' neither first nor last");
    }

    public static string Name(string text, string field = "name")
    {
        if (text.Length == 0)
        {
            throw Fault.Invalid(field, $"{field} is empty");
        }

        if (text.Length > Limits.RecordNameBytesMax || Encoding.UTF8.GetByteCount(text) > Limits.RecordNameBytesMax)
        {
            throw Fault.Invalid(field, $"{field} is longer than {Limits.RecordNameBytesMax} bytes");
        }

        return text.Any(char.IsControl) ? throw Fault.Invalid(field, $"{field} holds a control character") : text;
    }

    /// <summary>A message's full name or a table's name.</summary>
    public static RecordTable Table(string type, string field = "type")
    {
        if (type.Length == 0)
        {
            throw Fault.Invalid(field, $"{field} is empty");
        }

        if (Tables.ByTypeName.TryGetValue(type, out RecordTable? table) || Tables.ByName.TryGetValue(type, out table))
        {
            return table;
        }

        string shown = type.Length <= 128 ? type : string.Concat(type.AsSpan(0, 125), "...");
        throw Fault.Invalid(field, $"{field}: there is no record type '{shown}'; there are {string.Join(", ", Tables.All.Select(known => known.Name))}");
    }

    public static string? RequestId(string text)
    {
        if (text.Length == 0)
        {
            return null;
        }

        return text.Length <= Limits.RequestIdBytesMax && Encoding.UTF8.GetByteCount(text) <= Limits.RequestIdBytesMax && !text.Any(char.IsControl)
            ? text
            : throw Fault.Invalid("request_id", $"request_id is longer than {Limits.RequestIdBytesMax} bytes or holds a control character");
    }

    public static IReadOnlyDictionary<string, string> Labels(IDictionary<string, string> labels, string field = "labels")
    {
        if (labels.Count == 0)
        {
            return Store.Records.LabelText.None;
        }

        if (labels.Count > Limits.LabelsCountMax)
        {
            throw Fault.Invalid(field, $"{field}: {labels.Count} labels, at most {Limits.LabelsCountMax}");
        }

        var copy = new Dictionary<string, string>(labels.Count, StringComparer.Ordinal);
        foreach ((string key, string value) in labels)
        {
            copy.Add(LabelKey(key, field), value);
            if (Encoding.UTF8.GetByteCount(value) > Limits.LabelValueBytesMax || value.Any(char.IsControl))
            {
                throw Fault.Invalid($"{field}.{key}", $"{field}: the value of '{key}' is longer than {Limits.LabelValueBytesMax} bytes or holds a control character");
            }
        }

        return copy;
    }

    public static string LabelKey(string key, string field) =>
        key.Length is > 0 and <= Limits.LabelKeyCharactersMax && !key.AsSpan().ContainsAnyExcept(LabelKeyCharacters)
            ? key
            : throw Fault.Invalid(field, $"{field}: a key is not 1 to {Limits.LabelKeyCharactersMax} of a-z A-Z 0-9 . _ / -");
}
