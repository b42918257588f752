using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Auraed.Domain.Records;

/// <summary>
/// Ids for records whose caller gives none: UUID version 7, greater than every one made before by this process, so that they append to the
/// name index instead of scattering over it. 48 bits of milliseconds, 12 bits of count within one, 62 random bits.
/// </summary>
public sealed class RecordIds(TimeProvider time)
{
    private long _last;

    public string Next()
    {
        long now = time.GetUtcNow().ToUnixTimeMilliseconds() << 12;
        long last, next;
        do
        {
            last = Volatile.Read(ref _last);
            next = Math.Max(now, last + 1);
        }
        while (Interlocked.CompareExchange(ref _last, next, last) != last);

        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes[8..]);
        BinaryPrimitives.WriteInt64BigEndian(bytes, (next >> 12 << 16) | 0x7000 | (next & 0xfff));
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
