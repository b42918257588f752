using Aurae.Records.V0;
using Aurae.Schema;
using Auraed.Store.Records;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Records;

/// <summary>From a stored record to the message that answers and events carry.</summary>
internal static class RecordMessages
{
    public static Record ToMessage(StoredRecord stored, ByteString? encoded = null)
    {
        var record = new Record
        {
            Tenant = stored.Tenant,
            Type = stored.Table.TypeName,
            Name = stored.Name,
            Revision = stored.Revision,
            CreateTime = Time(stored.CreateTime),
            UpdateTime = Time(stored.UpdateTime),
            Body = Pack(stored.Table, encoded ?? stored.Body.ToByteString()),
        };
        AddLabels(record, stored.Labels);
        return record;
    }

    public static Record ToMessage(StoredRecord stored, RecordMask? mask)
    {
        if (mask is null || mask.IsAll)
        {
            return ToMessage(stored);
        }

        var record = new Record { Type = stored.Table.TypeName, Name = stored.Name };
        if (mask.Shows("tenant"))
        {
            record.Tenant = stored.Tenant;
        }

        if (mask.Shows("revision"))
        {
            record.Revision = stored.Revision;
        }

        if (mask.Shows("create_time"))
        {
            record.CreateTime = Time(stored.CreateTime);
        }

        if (mask.Shows("update_time"))
        {
            record.UpdateTime = Time(stored.UpdateTime);
        }

        if (mask.ShowsBody)
        {
            record.Body = Pack(stored.Table, mask.Body(stored.Body, stored.Table.New()).ToByteString());
        }

        AddLabels(record, mask.Labels(stored.Labels, LabelText.None));
        return record;
    }

    public static Timestamp Time(long nanoseconds)
    {
        (long seconds, long rest) = Math.DivRem(nanoseconds, 1_000_000_000);
        return rest < 0 ? new Timestamp { Seconds = seconds - 1, Nanos = (int)(rest + 1_000_000_000) } : new Timestamp { Seconds = seconds, Nanos = (int)rest };
    }

    private static Any Pack(RecordTable table, ByteString bytes) => new() { TypeUrl = "type.googleapis.com/" + table.TypeName, Value = bytes };

    private static void AddLabels(Record record, IReadOnlyDictionary<string, string> labels)
    {
        foreach ((string key, string value) in labels)
        {
            record.Labels.Add(key, value);
        }
    }
}
