using Auraed.Store;

namespace Auraed.Tests.Support;

/// <summary>A library directory with its key; databases are opened on it as a daemon does.</summary>
internal sealed class StoreFixture : IDisposable
{
    /// <summary>A P-256 key that is in no use but this.</summary>
    public const string KeyPem =
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAQIDBAUGBwgJCgsM
        DQ4PEBESExQVFhcYGRobHB0eHyChRANCAARRXD1uueOWuQTT/sp/VP3NDMHpl783
        XcpRWtCmw7QDX0U2vjpQ8xj7+aVHWQKiIVAr7w1X4IxTsswKVvF9n5NU
        -----END PRIVATE KEY-----
        """;

    private readonly TemporaryDirectory _directory = new();

    public StoreFixture()
    {
        Directory.CreateDirectory(Library);
        File.WriteAllText(KeyPath, KeyPem);
    }

    public string Root => _directory.Path;

    public string Library => _directory["lib"];

    public string KeyPath => _directory["server.key"];

    public string DatabasePath => Path.Combine(Library, "aurae.db");

    public DatabaseOptions Options => new() { Directory = Library, KeyPath = KeyPath };

    public Database Open() => Database.Open(Options);

    /// <summary>One event, as the smallest thing that can be written.</summary>
    public static Task<long> AppendAsync(Database database, string subject, int payloadBytes = 16, CancellationToken cancel = default)
    {
        var payload = new byte[payloadBytes];
        return database.WriteAsync(unit => unit.Events.Append("default", "tester", null, "test.created", subject, payload), cancel);
    }

    public void Dispose() => _directory.Dispose();
}
