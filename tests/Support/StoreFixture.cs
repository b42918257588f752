using Auraed.Store;

namespace Auraed.Tests.Support;

/// <summary>A library directory with its key; databases are opened on it as a daemon does.</summary>
internal sealed class StoreFixture(Durability durability) : IDisposable
{
    /// <summary>Small enough that a test's journal goes through several segments.</summary>
    public const int JournalSegmentBytes = 64 * 1024;

    /// <summary>A journal that is too long after three segments, for the tests that ask for it.</summary>
    public const int JournalBytesMax = 3 * JournalSegmentBytes;

    /// <summary>Few enough that a test's log is moved beside its writer.</summary>
    public const int LogFramesBusy = 64;

    /// <summary>Few enough that a test's transaction behind a journal writes pages ahead of its commit, and the same ones more than once.</summary>
    public const int PagesKeptMax = 4;

    /// <summary>A P-256 key that is in no use but this.</summary>
    public const string KeyPem =
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAQIDBAUGBwgJCgsM
        DQ4PEBESExQVFhcYGRobHB0eHyChRANCAARRXD1uueOWuQTT/sp/VP3NDMHpl783
        XcpRWtCmw7QDX0U2vjpQ8xj7+aVHWQKiIVAr7w1X4IxTsswKVvF9n5NU
        -----END PRIVATE KEY-----
        """;

    /// <summary>The suites that are not about durability run in the mode that <c>DURABILITY=</c> names, and in the default without it.</summary>
    public StoreFixture()
        : this(Named)
    {
    }

    /// <summary>The mode that <c>DURABILITY=</c> names, which the processes that tests start inherit; the default without it.</summary>
    public static Durability Named => Enum.TryParse<Durability>(Environment.GetEnvironmentVariable("DURABILITY"), ignoreCase: true, out var named) ? named : DatabaseOptions.DurabilityDefault;

    private readonly TemporaryDirectory _directory = Filled();

    public string Root => _directory.Path;

    public string Library => _directory["lib"];

    public string KeyPath => _directory["server.key"];

    public string DatabasePath => Path.Combine(Library, "aurae.db");

    public Durability Durability => durability;

    public DatabaseOptions Options => new() { Directory = Library, KeyPath = KeyPath, Durability = durability, JournalSegmentBytes = JournalSegmentBytes, LogFramesBusy = LogFramesBusy, PagesKeptMax = PagesKeptMax, WidePagesMin = PagesKeptMax };

    public Database Open() => Database.Open(Options);

    /// <summary>One event, as the smallest thing that can be written.</summary>
    public static Task<long> AppendAsync(Database database, string subject, int payloadBytes = 16, CancellationToken cancel = default)
    {
        var payload = new byte[payloadBytes];
        return database.WriteAsync(unit => unit.Events.Append("default", "tester", null, "test.created", subject, payload), cancel);
    }

    public void Dispose() => _directory.Dispose();

    private static TemporaryDirectory Filled()
    {
        var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory["lib"]);
        File.WriteAllText(directory["server.key"], KeyPem);
        return directory;
    }
}
