using Aurae.Assets.V0;
using Aurae.Schema;
using Auraed.Domain.Records;
using Auraed.Store.Records;
using Google.Protobuf;

namespace Auraed.Domain.Assets;

/// <summary>The record types of this noun.</summary>
internal static class AssetTables
{
    public static readonly RecordTable Assets = Tables.ByTypeName[Asset.Descriptor.FullName];
    public static readonly RecordTable Tags = Tables.ByTypeName[AssetTag.Descriptor.FullName];
    public static readonly RecordTable Pins = Tables.ByTypeName[AssetPin.Descriptor.FullName];
    public static readonly RecordTable Leases = Tables.ByTypeName[AssetLease.Descriptor.FullName];

    public static readonly RecordTable Archives = Tables.ByTypeName[AssetArchive.Descriptor.FullName];
    public static readonly RecordTable Publications = Tables.ByTypeName[AssetPublication.Descriptor.FullName];

    public static RecordDraft Draft(RecordTable table, string name, IMessage body) => new() { Table = table, Name = name, Body = body };

    /// <summary>Names of a type's records that refer to the asset.</summary>
    public static List<string> Holding(RecordRows rows, RecordTable table, string tenant, string asset, int countMax) =>
        rows.Referrers(table, table.Columns.Single(column => column.Reference is not null).Reference!, tenant, asset, countMax);
}
