using Aurae.Documents.V0;
using Aurae.Schema;
using Auraed.Base;
using Auraed.Store.Records;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Records;

/// <summary>The rules of documents beyond those of any record: the body obeys its schema, and a schema is one that can be obeyed.</summary>
internal static class Documents
{
    private static readonly RecordTable Schemas = Tables.ByTypeName[DocumentSchema.Descriptor.FullName];

    public static void Check(RecordRows rows, string tenant, IMessage body)
    {
        if (body is Document document)
        {
            Check(rows, tenant, document);
        }
        else if (body is DocumentSchema { Schema: { } schema })
        {
            JsonSchema.CheckDepth(Value.ForStruct(schema), "record.body.schema");
            JsonSchema.CheckSchema(schema, "record.body.schema");
        }
    }

    private static void Check(RecordRows rows, string tenant, Document document)
    {
        Value value = Value.ForStruct(document.Body ?? new Struct());
        JsonSchema.CheckDepth(value, "record.body.body");
        if (document.Schema.Length > 0 && rows.Find(Schemas, tenant, document.Schema)?.Body is DocumentSchema { Schema: { } schema })
        {
            JsonSchema.Check(schema, value, "record.body.body");
        }
    }
}
