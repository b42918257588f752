using System.Collections.Frozen;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Store.Records;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Auraed.Domain.Records;

/// <summary>A field of one type that names a record of another.</summary>
internal sealed record Referrer(RecordTable Table, ReferenceDescriptor Reference, FieldDescriptor Field)
{
    public string ValueIn(IMessage body) => (string?)Field.Accessor.GetValue(body) ?? string.Empty;
}

/// <summary>Who refers to whom, over all types.</summary>
internal static class References
{
    private static readonly Referrer[] All =
    [
        .. from table in Tables.All
           from reference in table.References
           let number = reference.ColumnName == "id" ? table.Key.FieldNumber : table.Columns.First(column => column.Name == reference.ColumnName).FieldNumber
           select new Referrer(table, reference, table.Message.FindFieldByNumber(number)),
    ];

    private static readonly FrozenDictionary<string, Referrer[]> ByTarget =
        All.GroupBy(referrer => referrer.Reference.TargetTable).ToFrozenDictionary(group => group.Key, group => group.ToArray());

    private static readonly FrozenDictionary<string, Referrer[]> BySource =
        All.GroupBy(referrer => referrer.Table.Name).ToFrozenDictionary(group => group.Key, group => group.ToArray());

    /// <summary>The fields, of any type, that name records of this one.</summary>
    public static Referrer[] To(RecordTable target) => ByTarget.GetValueOrDefault(target.Name, []);

    /// <summary>The fields of this type that name other records.</summary>
    public static Referrer[] From(RecordTable source) => BySource.GetValueOrDefault(source.Name, []);

    /// <summary>Fault(Precondition), naming the field, when the body names a record that is not there.</summary>
    public static void Check(RecordRows rows, RecordTable table, string tenant, IMessage body)
    {
        foreach (Referrer referrer in From(table))
        {
            string name = referrer.ValueIn(body);
            if (name.Length > 0 && !rows.Exists(Tables.ByName[referrer.Reference.TargetTable], tenant, name))
            {
                throw new Fault(
                    FaultKind.Precondition,
                    $"{referrer.Field.Name} refers to {referrer.Reference.TargetTable} '{name}', which tenant '{tenant}' has not",
                    "record.body." + referrer.Field.Name,
                    "create it first; in one Commit its operation comes before")
                { Reason = "DANGLING_REFERENCE" };
            }
        }
    }
}
