"""Deterministic inputs of 1500 bytes: one a program, made from its name unless its kind needs a certain content."""
import os
import random
import struct

SIZE = 1500


def _ether(kind, vlans=()):
    return bytes(range(12)) + b"".join(struct.pack(">HH", v, 100) for v in vlans) + struct.pack(">H", kind)


def _ipv4(r, protocol, option_words=0):
    head = struct.pack(">BBHHHBBH", 0x45 + option_words, 0, 60, 1, 0, 64, protocol, 0)
    return head + r.randbytes(8) + b"\1" * (4 * option_words)


def _ipv6(r, protocol, extensions=()):
    chain = [*extensions, protocol]
    out = struct.pack(">IHBB", 0x60000000, 40, chain[0], 64) + r.randbytes(32)
    for following in chain[1:]:
        out += bytes([following, 0]) + b"\0" * 6
    return out


def packets():
    """Sixteen slots of 90 bytes: plain and tagged IPv4 and IPv6, options, extension headers, ARP, ICMP."""
    r, out = random.Random(5), b""
    for i, kind in enumerate("0120304053016301"):
        l4 = 17 if i % 3 == 0 else 6
        head = {"0": lambda: _ether(0x800) + _ipv4(r, l4), "1": lambda: _ether(0x800, (0x8100,)) + _ipv4(r, l4),
                "2": lambda: _ether(0x800, (0x88A8, 0x8100)) + _ipv4(r, l4, 3), "3": lambda: _ether(0x86DD) + _ipv6(r, l4),
                "4": lambda: _ether(0x86DD, (0x8100,)) + _ipv6(r, l4, (0,)), "5": lambda: _ether(0x806),
                "6": lambda: _ether(0x800) + _ipv4(r, 1)}[kind]()
        out += (head + r.randbytes(90))[:90]
    return (out + r.randbytes(SIZE))[:SIZE]


def base64_text():
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    r = random.Random(7)
    return bytes(r.choice(letters) for _ in range(SIZE))


def equal_halves():
    r = random.Random(9)
    half = bytes(r.randrange(1, 256) for _ in range(700))
    return half + half + b"x" * 100


def prose():
    r, out = random.Random(11), b""
    words = b"the quick brown packet filter jumps over lazy verifier and map lookups again".split()
    while len(out) < 1400:
        out += r.choice(words) + b" "
    return out[:1400] + b"verifier" + b"." * 92


SPECIAL = (("parse", packets), ("base64", base64_text), ("memcmp", equal_halves), ("strsearch", prose))


def input_file(name, source_folder, out_folder):
    """The input beside the programs (NAME.bin, or ../inputs/NAME.bin) if there is one, else a made one."""
    for path in (os.path.join(source_folder, name + ".bin"), os.path.join(source_folder, "..", "inputs", name + ".bin")):
        if os.path.exists(path):
            return path
    make = next((f for start, f in SPECIAL if name.startswith(start)), None)
    data = make() if make else random.Random(100 + sum(name.encode())).randbytes(SIZE)
    os.makedirs(out_folder, exist_ok=True)
    path = os.path.join(out_folder, name + ".bin")
    with open(path, "wb") as out:
        out.write(data)
    return path
