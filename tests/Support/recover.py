"""Opens page 1 of a database with nothing but the standard library and openssl: daemon/Store/KEY.md turned into a program.

Usage: recover.py SERVER_KEY [DATABASE]. Prints the canonical form, the database key and the key's identity in hexadecimal, and, with a
database, whether the seal of page 1 holds and the deciphered page's application id.
"""
import base64, hashlib, hmac, re, struct, subprocess, sys


def read(der, at=0):
    """One DER element: tag, content, offset of the next."""
    tag, length, at = der[at], der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(der[at:at + count], "big"), at + count
    return tag, der[at:at + length], at + length


def parts(content):
    at, found = 0, []
    while at < len(content):
        tag, value, at = read(content, at)
        found.append((tag, value))
    return found


def write(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


RSA, EC = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a8648ce3d0201")
CURVES = {"2a8648ce3d030107": 32, "2b81040022": 48, "2b81040023": 66, "2b8104000a": 32}


def canonical(pem):
    label, body = re.search(r"-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----(.*?)-----END", pem, re.S).groups()
    der = base64.b64decode(body)
    curve = None
    if label == "PRIVATE KEY":
        _, algorithm, key = [value for _, value in parts(read(der)[1])][:3]
        identifier, *rest = [value for _, value in parts(algorithm)]
        curve = rest[0] if identifier == EC else None
    else:
        identifier, key = (RSA if label.startswith("RSA") else EC), der
    if identifier == RSA:
        key = write(0x30, b"".join(write(2, value) for _, value in parts(read(key)[1])[:9]))
        parameters = write(5, b"")
    elif identifier == EC:
        fields = parts(read(key)[1])
        curve = curve or next(read(value)[1] for tag, value in fields if tag == 0xA0)
        scalar = fields[1][1].lstrip(b"\0").rjust(CURVES[curve.hex()], b"\0")
        key = write(0x30, write(2, b"\1") + write(4, scalar))
        parameters = write(6, curve)
    else:
        key, parameters = write(4, read(key)[1]), b""
    return write(0x30, write(2, b"\0") + write(0x30, write(6, identifier) + parameters) + write(4, key))


def hkdf(secret, label, length):
    seed = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(seed, label + b"\1", hashlib.sha256).digest()[:length]


form = canonical(open(sys.argv[1]).read())
key = hkdf(form, b"auraed/v1/database", 32)
print(form.hex(), key.hex(), hkdf(form, b"auraed/v1/identity", 8).hex())
if len(sys.argv) > 2:
    page = open(sys.argv[2], "rb").read(4096)
    seal_key = hashlib.pbkdf2_hmac("sha512", key, bytes(byte ^ 0x3A for byte in page[:16]), 2, 32)
    for digest, size in (("sha256", 32), ("sha512", 64)):
        vector = 4096 - size - 16
        if hmac.new(seal_key, page[16:4096 - size] + struct.pack("<I", 1), digest).digest() != page[4096 - size:]:
            continue
        plain = subprocess.run(["openssl", "enc", "-d", "-aes-256-cbc", "-nopad", "-K", key.hex(), "-iv", page[vector:vector + 16].hex()],
                               input=page[16:vector], capture_output=True, check=True).stdout
        print("seal holds", plain[68 - 16:72 - 16].decode())
        break
    else:
        print("seal broken")
