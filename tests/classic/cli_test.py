#!/usr/bin/env python3
"""`osmia run|verify|disasm` with classic programs: what is printed, what bad input gets.  cli_test.py OSMIA CAPTURE"""
import json
import struct
import subprocess
import sys
import tempfile

OSMIA, CAPTURE = sys.argv[1:3]


def osmia(*args):
    done = subprocess.run([OSMIA, *args], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check(condition, what):
    if not condition:
        sys.exit(f"cli_test: {what}")


def fails(status, text, *args):
    code, _, err = osmia(*args)
    check(code == status and text in err and err.count("\n") == 1, f"{args}: {code} {err!r}, expected {status}, {text!r}")


with tempfile.TemporaryDirectory() as folder:
    out = f"{folder}/out.pcap"
    code, text, _ = osmia("run", "--filter", "udp port 53", "--pcap", CAPTURE, "--pcap-out", out, "--format", "json")
    first = json.loads(text)
    check(code == 0 and first["packets"] == 356 and 0 < first["matched"] < 356, f"counts: {first}")
    check(first["matched"] + first["unmatched"] == 356, "counts do not add up")
    again = json.loads(osmia("run", "--filter", "udp port 53", "--pcap", out, "--format", "json")[1])
    check(again["packets"] == again["matched"] == first["matched"], f"what was written: {again}")
    other = json.loads(osmia("run", "--filter", "not udp port 53", "--pcap", CAPTURE, "--format", "json", "--jit", "off")[1])
    check(other["unmatched"] == first["matched"], f"its opposite: {other}")

    code, text, _ = osmia("verify", "--filter", "tcp")
    check(code == 0 and text.startswith("PASS  tcp: "), text)
    code, text, _ = osmia("disasm", "--filter", "tcp")
    check("; (000) ldh      [12]\n   3: (28) r0 = *(u16 *)skb[12]\n" in text, text)
    code, text, _ = osmia("disasm", "--filter", "tcp", "--jited")
    check(code == 0 and "ret" in text, text)

    seccomp = f"{folder}/seccomp.json"
    with open(seccomp, "w") as f:
        json.dump([[0x20, 0, 0, 0], [0x15, 0, 1, 59], [6, 0, 0, 0x0005000D], [6, 0, 0, 0x7FFF0000]], f)
    data = f"{folder}/data"
    for number, action in ((59, "SECCOMP_RET_ERRNO(13)"), (1, "SECCOMP_RET_ALLOW")):
        with open(data, "wb") as f:
            f.write(struct.pack("<iIQ6Q", number, 0xC000003E, 0, *range(6)))
        code, text, _ = osmia("run", "--classic", seccomp, "--seccomp", "--ctx-in", data, "--format", "json")
        check(code == 0 and json.loads(text)["action"] == action, text)
    check(osmia("verify", "--classic", seccomp, "--seccomp")[0] == 0, "seccomp filter refused")
    with open(seccomp, "w") as f:
        json.dump([[0x28, 0, 0, 0], [6, 0, 0, 0]], f)
    code, text, _ = osmia("verify", "--classic", seccomp, "--seccomp")
    check(code == 1 and "insn 0: code 0x0028 is not for seccomp filters" in text, text)
    check(osmia("verify", "--classic", seccomp)[0] == 0, "socket filter refused")

    fails(2, "syntax error", "verify", "--filter", "tcp prt 80")
    fails(2, "libpcap knows none of that name", "disasm", "--filter", "tcp", "--link-type", "NOPE")
    fails(2, "a filter needs packets", "run", "--filter", "tcp")
    fails(2, "not two of them", "run", "--filter", "tcp", "some.o", "--pcap", CAPTURE)
    fails(2, "expected FILE", "run")
    fails(2, "expected FILE", "verify")
    fails(2, "cannot be read", "verify", "--classic", f"{folder}/none")
    fails(2, "No such file", "run", "--filter", "tcp", "--pcap", f"{folder}/none")
