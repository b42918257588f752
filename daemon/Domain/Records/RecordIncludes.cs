using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Store;
using Auraed.Store.Records;

namespace Auraed.Domain.Records;

/// <summary>Related records that come along with an answer, read in the answer's own snapshot: those that refer to a record and those it refers to.</summary>
public sealed class RecordIncludes
{
    private const string Field = "include";
    private readonly List<RecordTable> _tables;

    private RecordIncludes(List<RecordTable> tables) => _tables = tables;

    /// <summary>Null for none. With a type at hand, one that has nothing to do with it is refused.</summary>
    public static RecordIncludes? Parse(IReadOnlyCollection<string> types, RecordTable? table)
    {
        if (types.Count == 0)
        {
            return null;
        }

        if (types.Count > Limits.IncludeTypesCountMax)
        {
            throw Fault.Invalid(Field, $"{Field} has {types.Count} types, at most {Limits.IncludeTypesCountMax}");
        }

        var tables = new List<RecordTable>();
        foreach (string type in types)
        {
            RecordTable related = RecordNames.Table(type, Field);
            bool isRelated = table is null || References.To(table).Any(referrer => referrer.Table == related) || References.From(table).Any(referrer => referrer.Reference.TargetTable == related.Name);
            if (!isRelated)
            {
                throw Fault.Invalid(Field, $"{Field}: {related.Name} neither refers to {table!.Name} nor is referred to by it");
            }

            if (!tables.Contains(related))
            {
                tables.Add(related);
            }
        }

        return new RecordIncludes(tables);
    }

    /// <summary>Adds to each message what is related to the record of the same place.</summary>
    public void Add(ReadUnit unit, string tenant, IReadOnlyList<StoredRecord> records, IReadOnlyList<Record> messages)
    {
        int left = Limits.IncludedRecordsCountMax;
        long bytesLeft = Limits.PageBytesMax;
        foreach (var group in records.Select((record, index) => (record, index)).GroupBy(pair => pair.record.Table))
        {
            var targets = group.GroupBy(pair => pair.record.Name, StringComparer.Ordinal).ToDictionary(same => same.Key, same => same.Select(pair => messages[pair.index]).ToList(), StringComparer.Ordinal);
            foreach (RecordTable related in _tables)
            {
                foreach (Referrer referrer in References.To(group.Key).Where(referrer => referrer.Table == related))
                {
                    foreach (StoredRecord found in new RelatedRows(unit).Referring(related, referrer.Reference, tenant, targets.Keys, left + 1))
                    {
                        Attach(targets[referrer.ValueIn(found.Body)], found, ref left, ref bytesLeft);
                    }
                }

                foreach (Referrer referrer in References.From(group.Key).Where(referrer => referrer.Reference.TargetTable == related.Name))
                {
                    var sources = group.GroupBy(pair => referrer.ValueIn(pair.record.Body), StringComparer.Ordinal).Where(same => same.Key.Length > 0)
                        .ToDictionary(same => same.Key, same => same.Select(pair => messages[pair.index]).ToList(), StringComparer.Ordinal);
                    foreach (StoredRecord found in new RelatedRows(unit).Named(related, tenant, sources.Keys))
                    {
                        Attach(sources[found.Name], found, ref left, ref bytesLeft);
                    }
                }
            }
        }
    }

    private static void Attach(List<Record> holders, StoredRecord found, ref int left, ref long bytesLeft)
    {
        Record message = RecordMessages.ToMessage(found);
        foreach (Record holder in holders)
        {
            bytesLeft -= message.Body.Value.Length;
            if (--left < 0 || bytesLeft < 0)
            {
                throw new Fault(
                    FaultKind.Exhausted,
                    $"the answer would include more than {Limits.IncludedRecordsCountMax} related records or {Limits.PageBytesMax} bytes of them",
                    Field,
                    "ask for smaller pages")
                { Reason = "INCLUDE_TOO_LARGE" };
            }

            holder.Included.Add(message);
        }
    }
}
