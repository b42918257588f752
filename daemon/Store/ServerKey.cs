using System.Security.Cryptography;
using Auraed.Base;
using Auraed.Native;

namespace Auraed.Store;

/// <summary>What a key derived from server.key is for. Each has its own label, so that none tells anything about another.</summary>
public enum KeyPurpose
{
    /// <summary>Pages of aurae.db.</summary>
    Database,
    /// <summary>Wraps the data keys of secrets.</summary>
    Vault,
    /// <summary>Seals what leaves the host.</summary>
    Seal,
    /// <summary>Seals the journal.</summary>
    Journal,
    /// <summary>Names the key without telling it: 8 bytes, shown in messages.</summary>
    Identity,
}

/// <summary>
/// server.key in its canonical form, and the keys derived from it. KEY.md in this folder says the derivation byte by byte.
/// Invariants: the canonical form and every derived key live in locked memory only, and are wiped on Dispose.
/// </summary>
public sealed class ServerKey : IDisposable
{
    private const int KeyFileBytesMax = 64 * 1024;
    private readonly LockedMemory _canonical;

    private ServerKey(LockedMemory canonical) => _canonical = canonical;

    /// <summary>Sixteen hexadecimal digits that name the key; not secret.</summary>
    public string Identity
    {
        get
        {
            Span<byte> name = stackalloc byte[8];
            Derive(KeyPurpose.Identity, name);
            return Convert.ToHexStringLower(name);
        }
    }

    /// <summary>Fault(Precondition) when the file is missing, unreadable or holds no private key that is understood.</summary>
    public static ServerKey Load(string path)
    {
        var bytes = ReadFile(path);
        try
        {
            return Parse(bytes, path);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>The caller wipes <paramref name="pem"/>; <paramref name="name"/> stands in messages.</summary>
    public static ServerKey Parse(ReadOnlySpan<byte> pem, string name)
    {
        var der = PrivateKeyForm.Canonical(pem, name);
        try
        {
            var memory = new LockedMemory(der.Length);
            der.CopyTo(memory.Span);
            return new ServerKey(memory);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    /// <summary>HKDF-SHA256 without salt over the canonical form, with the purpose's label.</summary>
    public void Derive(KeyPurpose purpose, Span<byte> output) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _canonical.Span, output, default, Label(purpose));

    /// <summary>The key as a signer of checkpoints; null when it is of a kind that signs none.</summary>
    internal Proof.CheckpointKey? Signer() => Proof.CheckpointKey.FromPrivate(_canonical.Span);

    public void Dispose() => _canonical.Dispose();

    private static ReadOnlySpan<byte> Label(KeyPurpose purpose) => purpose switch
    {
        KeyPurpose.Database => "auraed/v1/database"u8,
        KeyPurpose.Vault => "auraed/v1/vault"u8,
        KeyPurpose.Seal => "auraed/v1/seal"u8,
        KeyPurpose.Journal => "auraed/v1/journal"u8,
        KeyPurpose.Identity => "auraed/v1/identity"u8,
    };

    private static byte[] ReadFile(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (file.Length > KeyFileBytesMax)
            {
                throw new Fault(FaultKind.Precondition, $"{path} is larger than a key file is", hint: "point --server-key at the PEM file of the server's private key") { Reason = "KEY_UNREADABLE" };
            }

            var bytes = GC.AllocateArray<byte>((int)file.Length, pinned: true);
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new Fault(FaultKind.Precondition, $"{path} does not exist, and without the server's key the database does not open", hint: "put it back from its backup; where there is no database yet, auraed init makes one", cause: missing) { Reason = "KEY_MISSING" };
        }
        catch (Exception unreadable) when (unreadable is UnauthorizedAccessException or IOException)
        {
            throw new Fault(FaultKind.Precondition, $"{path} cannot be read: {unreadable.Message}", hint: $"check the owner and mode of {path}", cause: unreadable) { Reason = "KEY_UNREADABLE" };
        }
    }
}

/// <summary>The database's raw key in the engine's spelling, x'64 hexadecimal digits', and the journal's, in locked memory, and the server's key as the signer of checkpoints.</summary>
internal sealed class StoreKey : IDisposable
{
    private const int RawBytes = 32;
    private const int TextBytes = 3 + (2 * RawBytes);
    private readonly LockedMemory _memory = new(RawBytes + TextBytes + RawBytes);

    public StoreKey(ServerKey server)
    {
        server.Derive(KeyPurpose.Database, Raw);
        server.Derive(KeyPurpose.Journal, _memory.Span[(RawBytes + TextBytes)..]);
        Identity = server.Identity;
        Signer = server.Signer();
        var text = Text;
        text[0] = (byte)'x';
        text[1] = (byte)'\'';
        text[^1] = (byte)'\'';
        var digits = "0123456789abcdef"u8;
        for (var index = 0; index < RawBytes; index++)
        {
            text[2 + (2 * index)] = digits[Raw[index] >> 4];
            text[3 + (2 * index)] = digits[Raw[index] & 0xf];
        }
    }

    /// <summary>The name of the server's key; not secret.</summary>
    public string Identity { get; }

    /// <summary>Null when the server's key is of a kind that signs no checkpoints.</summary>
    public Proof.CheckpointKey? Signer { get; }

    /// <summary>The 32 key bytes.</summary>
    public Span<byte> Raw => _memory.Span[..RawBytes];

    /// <summary>The 32 bytes from which the journal's keys come.</summary>
    public ReadOnlySpan<byte> Journal => _memory.Span[(RawBytes + TextBytes)..];

    private Span<byte> Text => _memory.Span.Slice(RawBytes, TextBytes);

    /// <summary>The first thing done to a connection: no PRAGMA text, so the key passes no SQL parser and stays in no statement.</summary>
    public void Apply(SQLitePCL.sqlite3 connection)
    {
        var code = EngineKey.Apply(connection, Text);
        if (code != SQLitePCL.raw.SQLITE_OK)
        {
            throw EngineError.ToFault(code, "the key was not taken", "a connection cannot be keyed");
        }
    }

    /// <summary>Rewrites the connection's whole file under this key.</summary>
    public void Change(SQLitePCL.sqlite3 connection)
    {
        var code = EngineKey.Change(connection, Text);
        if (code != SQLitePCL.raw.SQLITE_OK)
        {
            throw EngineError.ToFault(code, SQLitePCL.raw.sqlite3_errmsg(connection).utf8_to_string(), "the file cannot be re-keyed");
        }
    }

    public void Dispose()
    {
        _memory.Dispose();
        Signer?.Dispose();
    }
}
