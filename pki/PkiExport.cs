namespace Aurae.Pki;

/// <summary>
/// Copies what one client needs out of a set: its pair, the authority's certificate, and a configuration that names them by absolute path.
/// The authority's key and other clients' keys never leave. Nothing that exists is overwritten.
/// </summary>
public sealed class PkiExport(PkiLayout layout, PkiPlatform platform)
{
    public IReadOnlyList<PkiStep> Write(ClientName client, string directory, string socket)
    {
        var files = new SafeFile(platform);
        var target = new PkiLayout(Path.Combine(directory, "pki"));
        var steps = new List<PkiStep>();
        files.CreateDirectory(Path.GetFullPath(directory));
        files.CreateDirectory(target.Directory);
        Copy(layout.CaCertificate, target.CaCertificate, isPrivate: false);
        Copy(layout.ClientKey(client), target.ClientKey(client), isPrivate: true);
        Copy(layout.ClientCertificate(client), target.ClientCertificate(client), isPrivate: false);
        var config = Path.Combine(Path.GetFullPath(directory), "config");
        steps.Add(new PkiStep(config, ClientConfig.For(target, client, socket).WriteIfMissing(config, platform)));
        return steps;

        void Copy(string from, string to, bool isPrivate)
        {
            var isMissing = !File.Exists(to);
            if (isMissing)
            {
                files.Create(to, SafeFile.Read(from), isPrivate);
            }

            steps.Add(new PkiStep(to, isMissing));
        }
    }
}
