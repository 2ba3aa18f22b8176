#!/usr/bin/env python3
"""What `osmia run` shows of each program type.  cli_test.py OSMIA OBJECT CAPTURE"""
import json
import os
import struct
import subprocess
import sys
import tempfile

OSMIA, OBJECT, CAPTURE = sys.argv[1:4]
PACKETS = 356
if not os.environ.get("OSMIA_BTF") and not os.path.exists("/sys/kernel/btf/vmlinux"):
    print("run.types: skipped: no kernel BTF on this machine, which some of the programs name (OSMIA_BTF=FILE)")
    sys.exit(77)
BTF = ["--btf", os.environ["OSMIA_BTF"]] if os.environ.get("OSMIA_BTF") else []


def run(prog, *args):
    done = subprocess.run([OSMIA, "run", OBJECT, "--prog", prog, *BTF, *args], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check(condition, what):
    if not condition:
        sys.exit(f"run.types: {what}")


def answer(prog, *args):
    code, text, err = run(prog, "--format", "json", *args)
    check(code == 0, f"{prog} {args}: {err}")
    return json.loads(text)


def over_capture(prog, names, changed=0):
    j = answer(prog, "--pcap", CAPTURE)
    got = {c["name"]: c["packets"] for c in j["counts"]}
    check(set(got) == set(names) and sum(got.values()) + j["not_run"] == PACKETS and j["changed"] == changed, f"{prog}: {j}")
    return j


over_capture("cgroup", ["keep", "drop, congested"])
over_capture("cgroup_in", ["keep", "drop"])
over_capture("tunnel_in", ["BPF_OK", "BPF_DROP"])
j = over_capture("tunnel_xmit", ["BPF_REDIRECT"])
check(j["counts"][0]["targets"] == [{"target": "device", "ifindex": 1, "packets": PACKETS}], f"tunnel_xmit: {j}")
over_capture("dissect", ["BPF_OK"])
over_capture("nf", ["NF_ACCEPT"])
over_capture("frags", ["XDP_DROP"])
check(over_capture("meta", ["XDP_PASS"])["with_metadata"] == PACKETS, "metadata")

with tempfile.TemporaryDirectory() as folder:
    def file(name, data):
        path = f"{folder}/{name}"
        with open(path, "wb") as f:
            f.write(data)
        return path

    large = file("large", bytes(9000) + b"Z")
    frame = file("frame", bytes(12) + b"\x08\x00\x45" + bytes(60))
    check(answer("frags", "--data-in", large)["counts"][0]["name"] == "XDP_PASS", "fragments")
    check(answer("dissect", "--data-in", frame)["details"] == {
        "nhoff": 14, "thoff": 34, "addr_proto": "0x0800", "ip_proto": 17, "n_proto": "0x0800", "src": "10.0.0.1", "dst": "10.0.0.2",
        "sport": 53, "dport": 5353}, "flow keys")
    context = file("context", bytes(192))
    j = answer("mark", "--data-in", frame, "--ctx-in", context)
    check({"mark": 7, "cb[2]": 0x1234}.items() <= j["details"].items(), f"changed fields: {j}")
    j = answer("sys", "--ctx-in", file("sys", struct.pack("<II", 5, 0)))
    check(j["counts"][0]["retval"] == 7 and j["details"] == {"context": "05 00 00 00 06 00 00 00"}, f"syscall: {j}")
    j = answer("raw", "--ctx-in", file("raw", struct.pack("<QQ", 3, 4)))
    check(j["counts"][0]["retval"] == 7, f"raw_tp: {j}")
    for port, name in ((80, "SK_PASS"), (81, "SK_DROP")):
        ctx = bytearray(72)
        struct.pack_into("<II", ctx, 8, 2, 6)  # family, protocol
        struct.pack_into("<I", ctx, 60, port)  # local_port
        j = answer("choose", "--ctx-in", file("lookup", bytes(ctx)))
        check(j["counts"][0]["name"] == name, f"sk_lookup {port}: {j}")

    def fails(text, prog, *args):
        code, _, err = run(prog, *args)
        check(code == 2 and text in err and err.count("\n") == 1, f"{prog} {args}: {code} {err!r}")

    fails("have no test run, on Linux neither", "probe", "--pcap", CAPTURE)
    fails("expected a context", "choose")
    fails("ctx_in: expected all arguments", "raw")
    fails("see no device", "nf", "--pcap", CAPTURE, "--ifindex", "1")
    fails("expected at most 24 bytes", "meta", "--data-in", frame, "--ctx-in", file("long", b"\0" * 24 + b"\1"))
    fails("expected zero at byte 0 of __sk_buff", "mark", "--data-in", frame, "--ctx-in", file("bad", b"\1"))
