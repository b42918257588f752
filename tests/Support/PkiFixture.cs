using Aurae.Pki;

namespace Auraed.Tests.Support;

/// <summary>Certificate sets for tests: ECDSA, because RSA keys take seconds.</summary>
internal static class PkiFixture
{
    public static readonly PkiPlatform Platform = new(_ => { }, _ => 0, 0);

    public static readonly PkiOptions Fast = new(Platform) { Kind = KeyKind.Ec };

    /// <summary>A whole set with the default client.</summary>
    public static PkiLayout Make(string directory)
    {
        var store = new PkiStore(directory, Fast);
        store.Init(ClientName.Default);
        return store.Layout;
    }
}
