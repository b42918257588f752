using Aurae.Admin.V0;
using Auraed.Store;
using Auraed.Store.Replay;
using Google.Protobuf.WellKnownTypes;

namespace Auraed.Domain.Upkeep;

/// <summary>What the store reports, as the API says it.</summary>
internal static class UpkeepMessages
{
    public static Progress ToMessage(this StoreProgress progress) =>
        new() { Step = progress.Step, Done = progress.Done, Total = progress.Total, Unit = progress.Step is "events" or "folding" ? "events" : progress.Step == "comparing" ? "rows" : "pages" };

    public static BackupResult ToMessage(this BackupReport report) => new() { Path = report.Path, Bytes = report.Bytes, LastSequence = report.Sequence };

    public static VerifyResult ToMessage(this VerifyReport report) => new()
    {
        Sound = report.IsSound,
        Pages = report.Pages,
        Events = report.Events,
        SchemaVersion = report.Version,
        Path = report.Path,
        Findings = { report.Findings },
    };

    public static ReplayResult ToMessage(this ReplayReport report) => new()
    {
        Sequence = report.Sequence,
        Applied = report.Applied,
        Differences = { report.Differences },
        DifferenceCount = report.DifferenceCount,
        Output = report.Output ?? "",
    };

    public static ListMigrationsResponse ToMessage(this IReadOnlyList<AppliedMigration> history) => new()
    {
        SchemaVersion = history[^1].Version,
        Migrations =
        {
            history.Select(step => new Aurae.Admin.V0.Migration
            {
                Name = step.Name,
                Checksum = step.Checksum,
                ApplyTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddTicks(step.Time / TimeSpan.NanosecondsPerTick)),
                BinaryVersion = step.By,
            }),
        },
    };
}
