using System.Collections.Frozen;

namespace Auraed.Rpc;

/// <summary>Every method of every service with the right it needs, by its path on the wire. A method that is not here is refused to everybody.</summary>
public static class AccessTable
{
    public static FrozenDictionary<string, Access> All { get; } = FrozenDictionary.ToFrozenDictionary(
        new Dictionary<string, Access>
        {
            ["/aurae.discovery.v0.DiscoveryService/Discover"] = new(AccessVerb.Read, "host"),

            ["/grpc.health.v1.Health/Check"] = new(AccessVerb.Read, "host"),
            ["/grpc.health.v1.Health/Watch"] = new(AccessVerb.Read, "host"),
            ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = new(AccessVerb.Read, "host"),
            ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] = new(AccessVerb.Read, "host"),

            ["/aurae.cells.v0.CellService/Allocate"] = new(AccessVerb.Write, "cells"),
            ["/aurae.cells.v0.CellService/Free"] = new(AccessVerb.Write, "cells"),
            ["/aurae.cells.v0.CellService/Start"] = new(AccessVerb.Operate, "cells"),
            ["/aurae.cells.v0.CellService/Stop"] = new(AccessVerb.Operate, "cells"),
            ["/aurae.cells.v0.CellService/List"] = new(AccessVerb.Read, "cells"),

            ["/aurae.vms.v0.VmService/Allocate"] = new(AccessVerb.Write, "vms"),
            ["/aurae.vms.v0.VmService/Free"] = new(AccessVerb.Write, "vms"),
            ["/aurae.vms.v0.VmService/Start"] = new(AccessVerb.Operate, "vms"),
            ["/aurae.vms.v0.VmService/Stop"] = new(AccessVerb.Operate, "vms"),
            ["/aurae.vms.v0.VmService/List"] = new(AccessVerb.Read, "vms"),

            ["/aurae.observe.v0.ObserveService/GetAuraeDaemonLogStream"] = new(AccessVerb.Read, "logs"),
            ["/aurae.observe.v0.ObserveService/GetSubProcessStream"] = new(AccessVerb.Read, "logs"),
            ["/aurae.observe.v0.ObserveService/GetPosixSignalsStream"] = new(AccessVerb.Read, "signals"),

            ["/aurae.records.v0.RecordService/Create"] = new(AccessVerb.Write, "records"),
            ["/aurae.records.v0.RecordService/Get"] = new(AccessVerb.Read, "records"),
            ["/aurae.records.v0.RecordService/BatchGet"] = new(AccessVerb.Read, "records"),
            ["/aurae.records.v0.RecordService/Update"] = new(AccessVerb.Write, "records"),
            ["/aurae.records.v0.RecordService/Delete"] = new(AccessVerb.Write, "records"),
            ["/aurae.records.v0.RecordService/List"] = new(AccessVerb.Read, "records"),
            ["/aurae.records.v0.RecordService/Watch"] = new(AccessVerb.Read, "records"),
            ["/aurae.records.v0.RecordService/Commit"] = new(AccessVerb.Write, "records"),

            ["/aurae.query.v0.QueryService/Query"] = new(AccessVerb.Read, "records"),
            ["/aurae.query.v0.QueryService/Explain"] = new(AccessVerb.Read, "records"),
            ["/aurae.query.v0.QueryService/ListTables"] = new(AccessVerb.Read, "records"),
            ["/aurae.query.v0.QueryService/GetStatistics"] = new(AccessVerb.Read, "host"),

            ["/aurae.events.v0.EventService/Read"] = new(AccessVerb.Read, "events"),
            ["/aurae.events.v0.EventService/Watch"] = new(AccessVerb.Read, "events"),
            ["/aurae.events.v0.EventService/Append"] = new(AccessVerb.Write, "events"),

            ["/aurae.events.v0.CursorService/Create"] = new(AccessVerb.Write, "cursors"),
            ["/aurae.events.v0.CursorService/Get"] = new(AccessVerb.Read, "cursors"),
            ["/aurae.events.v0.CursorService/List"] = new(AccessVerb.Read, "cursors"),
            ["/aurae.events.v0.CursorService/Delete"] = new(AccessVerb.Write, "cursors"),
            ["/aurae.events.v0.CursorService/Seek"] = new(AccessVerb.Write, "cursors"),
            ["/aurae.events.v0.CursorService/Pull"] = new(AccessVerb.Write, "cursors"),
            ["/aurae.events.v0.CursorService/Consume"] = new(AccessVerb.Write, "cursors"),
            ["/aurae.events.v0.CursorService/Acknowledge"] = new(AccessVerb.Write, "cursors"),
            ["/aurae.events.v0.CursorService/Extend"] = new(AccessVerb.Write, "cursors"),
            ["/aurae.events.v0.CursorService/Release"] = new(AccessVerb.Write, "cursors"),
            ["/aurae.events.v0.CursorService/ListParked"] = new(AccessVerb.Read, "cursors"),
            ["/aurae.events.v0.CursorService/Unpark"] = new(AccessVerb.Write, "cursors"),
            ["/aurae.events.v0.ProofService/GetCheckpoint"] = new(AccessVerb.Read, "events"),
            ["/aurae.events.v0.ProofService/ListCheckpoints"] = new(AccessVerb.Read, "events"),
            ["/aurae.events.v0.ProofService/GetInclusionProof"] = new(AccessVerb.Read, "events"),
            ["/aurae.events.v0.ProofService/GetConsistencyProof"] = new(AccessVerb.Read, "events"),
            ["/aurae.events.v0.ProofService/Export"] = new(AccessVerb.Read, "events"),
            ["/aurae.events.v0.RetentionService/Archive"] = new(AccessVerb.Operate, "events"),
            ["/aurae.events.v0.RetentionService/Prune"] = new(AccessVerb.Operate, "events"),
            ["/aurae.events.v0.RetentionService/ListArchives"] = new(AccessVerb.Read, "events"),

            ["/aurae.registry.v0.RegistryService/Register"] = new(AccessVerb.Write, "registry"),
            ["/aurae.registry.v0.RegistryService/Deregister"] = new(AccessVerb.Write, "registry"),
            ["/aurae.registry.v0.RegistryService/Heartbeat"] = new(AccessVerb.Write, "registry"),
            ["/aurae.registry.v0.RegistryService/Get"] = new(AccessVerb.Read, "registry"),
            ["/aurae.registry.v0.RegistryService/List"] = new(AccessVerb.Read, "registry"),
            ["/aurae.registry.v0.RegistryService/Resolve"] = new(AccessVerb.Read, "registry"),
            ["/aurae.registry.v0.RegistryService/Watch"] = new(AccessVerb.Read, "registry"),
            ["/aurae.registry.v0.RegistryService/ListDependents"] = new(AccessVerb.Read, "registry"),

            ["/aurae.assets.v0.AssetService/Upload"] = new(AccessVerb.Write, "assets"),
            ["/aurae.assets.v0.AssetService/GetUpload"] = new(AccessVerb.Read, "assets"),
            ["/aurae.assets.v0.AssetService/CancelUpload"] = new(AccessVerb.Write, "assets"),
            ["/aurae.assets.v0.AssetService/MissingChunks"] = new(AccessVerb.Read, "assets"),
            ["/aurae.assets.v0.AssetService/Download"] = new(AccessVerb.Read, "assets"),
            ["/aurae.assets.v0.AssetService/GetIndex"] = new(AccessVerb.Read, "assets"),
            ["/aurae.assets.v0.AssetService/FetchChunks"] = new(AccessVerb.Read, "assets"),
            ["/aurae.assets.v0.AssetService/Stat"] = new(AccessVerb.Read, "assets"),
            ["/aurae.assets.v0.AssetService/List"] = new(AccessVerb.Read, "assets"),
            ["/aurae.assets.v0.AssetService/Delta"] = new(AccessVerb.Read, "assets"),
            ["/aurae.assets.v0.AssetService/Delete"] = new(AccessVerb.Write, "assets"),
            ["/aurae.assets.v0.AssetService/Tag"] = new(AccessVerb.Write, "assets"),
            ["/aurae.assets.v0.AssetService/Untag"] = new(AccessVerb.Write, "assets"),
            ["/aurae.assets.v0.AssetService/Pin"] = new(AccessVerb.Write, "assets"),
            ["/aurae.assets.v0.AssetService/Unpin"] = new(AccessVerb.Write, "assets"),
            ["/aurae.assets.v0.AssetService/Lease"] = new(AccessVerb.Write, "assets"),
            ["/aurae.assets.v0.AssetService/EndLease"] = new(AccessVerb.Write, "assets"),
            ["/aurae.assets.v0.AssetService/GarbageCollect"] = new(AccessVerb.Operate, "assets"),
            ["/aurae.assets.v0.AssetService/Scrub"] = new(AccessVerb.Operate, "assets"),
            ["/aurae.assets.v0.AssetService/Stats"] = new(AccessVerb.Read, "assets"),

            ["/aurae.admin.v0.AdminService/Status"] = new(AccessVerb.Read, "host"),
            ["/aurae.admin.v0.AdminService/Backup"] = new(AccessVerb.Operate, "database"),
            ["/aurae.admin.v0.AdminService/Publish"] = new(AccessVerb.Operate, "database"),
            ["/aurae.admin.v0.AdminService/Verify"] = new(AccessVerb.Operate, "database"),
            ["/aurae.admin.v0.AdminService/Replay"] = new(AccessVerb.Operate, "database"),
            ["/aurae.admin.v0.AdminService/Checkpoint"] = new(AccessVerb.Operate, "database"),
            ["/aurae.admin.v0.AdminService/ListMigrations"] = new(AccessVerb.Read, "database"),
        },
        StringComparer.Ordinal);
}
