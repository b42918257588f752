using System.Globalization;

namespace Auraed.Bench;

/// <summary>Debian's PostgreSQL with its own defaults (synchronous_commit on), on a Unix socket; pgbench is its load generator.</summary>
internal sealed class Postgres : IDisposable
{
    private readonly Peer _peer;
    private readonly string _directory;

    public Postgres(Scratch scratch)
    {
        _directory = scratch.Make("postgres");
        if (Environment.IsPrivilegedProcess)
        {
            Peer.Run("/bin/chown", ["postgres:postgres", _directory]);
        }

        var data = Path.Combine(_directory, "data");
        Run("initdb", ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync"]);
        var (program, arguments) = AsUser(Binary("postgres"),
            ["-D", data, "-k", _directory, "-c", "listen_addresses=", "-c", "max_connections=300", "-c", "synchronous_commit=on", "-c", "fsync=on"]);
        _peer = Peer.Start("PostgreSQL", program, arguments, output => output.Contains("ready to accept connections", StringComparison.Ordinal));
        try
        {
            Run("psql", ["-q", "-h", _directory, "-U", "postgres", "-c",
                "CREATE TABLE ordered (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, value text NOT NULL);"
                + " CREATE TABLE named (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), value text NOT NULL)"]);
        }
        catch
        {
            _peer.Dispose();
            throw;
        }
    }

    public static bool IsInstalled => Directory.Exists("/usr/lib/postgresql");

    /// <summary>Single-row INSERTs of 256 bytes on as many connections as there are streams.</summary>
    public LoadRun Insert(string table, int connections, double seconds)
    {
        var script = Path.Combine(_directory, table + ".sql");
        File.WriteAllText(script, $"INSERT INTO {table} (value) VALUES ('{new string('x', Messages.ValueBytes)}');\n");
        var log = Path.Combine(_directory, "transactions");
        var before = Machine.CpuSecondsWithChildren(_peer.Id);
        var output = Run("pgbench",
        [
            "-n", "-h", _directory, "-U", "postgres", "-M", "prepared", "-f", script, "-c", Text(connections), "-j", Text(Math.Min(connections, 2)),
            "-T", Text(Math.Max(1, Math.Round(seconds))), "-l", "--log-prefix=" + log, "postgres",
        ]);
        // A backend's time is its parent's once it has ended, which is when pgbench has.
        var cpu = Machine.CpuSecondsWithChildren(_peer.Id) - before;
        var files = Directory.GetFiles(_directory, "transactions.*");
        var times = files.SelectMany(File.ReadLines).Select(line => double.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture)).Order().ToArray();
        Array.ForEach(files, File.Delete);
        // pgbench has no such line when not one transaction came to its end.
        var rate = output.Split('\n').SingleOrDefault(line => line.StartsWith("tps = ", StringComparison.Ordinal))?.Split(' ')[2] ?? "0";
        double At(double quantile) => times.Length == 0 ? 0 : times[(int)(quantile * (times.Length - 1))];
        return new LoadRun(times.Length, 0, times.Length, seconds, double.Parse(rate, CultureInfo.InvariantCulture), At(0.5), At(0.99), At(0.999), At(1), 0, cpu, "");
    }

    public void Dispose() => _peer.Dispose();

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Binary(string name) =>
        Directory.GetDirectories("/usr/lib/postgresql").Select(directory => Path.Combine(directory, "bin", name)).Where(File.Exists).Order(StringComparer.Ordinal).LastOrDefault()
        ?? throw new PeerException($"/usr/lib/postgresql/*/bin/{name} is not there\nhint: packaging/dependencies bench");

    private static string Run(string name, IEnumerable<string> arguments)
    {
        var (program, all) = AsUser(Binary(name), arguments);
        return Peer.Run(program, all);
    }

    /// <summary>PostgreSQL refuses to run as root.</summary>
    private static (string Program, IEnumerable<string> Arguments) AsUser(string program, IEnumerable<string> arguments) =>
        Environment.IsPrivilegedProcess
            ? ("/usr/bin/setpriv", ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "env", "-C", "/", program, .. arguments])
            : (program, arguments);
}
