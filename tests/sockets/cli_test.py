#!/usr/bin/env python3
"""Programs on sockets under `osmia run`.  cli_test.py OSMIA OBJECT CAPTURE"""
import json
import socket
import struct
import subprocess
import sys
import tempfile

OSMIA, OBJECT, CAPTURE = sys.argv[1:4]


def check(condition, what):
    if not condition:
        sys.exit(f"sockets: {what}")


def osmia(prog, *args):
    done = subprocess.run([OSMIA, "run", OBJECT, "--prog", prog, *args], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def run(prog, *args):
    code, text, err = osmia(prog, "--format", "json", "--dump-maps", *args)
    check(code == 0, f"{prog} {args}: {err}")
    out = json.loads(text)
    answers = {}
    for m in out["maps"]:
        if m["name"] == "answers":
            answers = {int(e["key"]): int(e["value"]) for e in m["elements"]}
    return out, answers


def one(out, retval, targets):
    check(len(out["counts"]) == 1 and out["counts"][0]["retval"] == retval, f"counts: {out['counts']}")
    got = [{k: v for k, v in t.items() if k != "packets"} for t in out["counts"][0].get("targets", [])]
    check(got == targets, f"expected {targets}, found {got}")


def expect(answers, wanted):
    for key, value in wanted.items():
        check(answers.get(key) == value, f"answer {key}: expected {value}, found {answers.get(key)}")


with tempfile.TemporaryDirectory() as folder:
    data = f"{folder}/data"
    with open(data, "wb") as f:
        f.write(b"\x07hello, world")  # 13 bytes

    out, _ = run("parser", "--data-in", data)
    one(out, 7, [])

    sockets = ["--map-set", "socks[0]=tcp", "--map-set", "socks[1]=tcp6", "--map-set", "socks[2]=listen"]
    out, answers = run("stream", "--data-in", data, *sockets)
    one(out, 1, [{"target": "socket", "map": "socks", "key": 1}])
    expect(answers, {2: 13, 3: 0, 4: -22, 5: -14, 6: 17, 7: 0, 8: 0})
    check(out["changed"] == 1, "room was made")
    out, answers = run("stream", "--data-in", data)
    one(out, 0, [])  # no element: dropped

    out, answers = run("stream", "--pcap", CAPTURE, *sockets)
    check(out["packets"] > out["not_run"] > 0, "packets without payload are not run")
    check(answers[0] and answers[1], "the ends come from the headers")

    out, _ = run("stream_hash", "--data-in", data, "--map-set", "hash[7]=tcp")
    one(out, 1, [{"target": "socket", "ingress": True, "map": "hash"}])
    out, _ = run("stream_hash", "--data-in", data, "--map-set", "hash[8]=tcp")
    one(out, 0, [])

    out, answers = run("message", "--data-in", data, *sockets)
    one(out, 1, [{"target": "socket", "map": "socks", "key": 0}])
    expect(answers, {0: 13, 1: 13, 2: 0, 3: 2, 4: 0, 5: 16, 6: 0, 7: -22, 8: -22, 9: -22, 10: 15})
    check(out["details"] == {"apply_bytes": 10, "cork_bytes": 20}, f"details {out['details']}")
    out, answers = run("message", "--data-in", data, "--map-set", "socks[0]=listen")
    one(out, 0, [])  # a listener takes no data

    code, text, err = osmia("select", "--data-in", data, "--map-set", "group[0]=udp", "--map-set", "group[0]=nonsense")
    check(code and "nonsense" in err, "a word that is no socket")
    # Two sockets of one port need the port: one that is free now.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with open(data, "wb") as f:
        f.write(bytes([0x12, 0x34, 0, 80, 0, 8, 0, 0]))
    out, answers = run("select", "--data-in", data, "--map-set", f"group[0]=udp:{port}", "--map-set", f"group[1]=udp:{port}",
                       "--map-set", "socks[0]=tcp")
    one(out, 1, [{"target": "socket", "map": "group", "key": 1}])
    expect(answers, {0: 0, 1: 80, 3: port, 4: -2, 5: -22, 6: 0})

    # hooks of control groups
    context = f"{folder}/context"

    def hook(prog, layout, values, *args):
        with open(context, "wb") as f:
            f.write(struct.pack(layout, *values))
        return run(prog, "--ctx-in", context, *args)

    out, _ = hook("device", "<III", (2 << 16 | 2, 1, 3))
    one(out, 1, [])
    out, _ = hook("device", "<III", (4 << 16 | 2, 1, 3))
    one(out, 0, [])

    # sk_lookup: a connection and a listener of another family do not fit, a listener does
    connection = (0, 2, 6, bytes([127, 0, 0, 1]), bytes(16), 1234, bytes([127, 0, 0, 1]), bytes(16), 7007, 0)
    out, answers = hook("choose", "<QII4s16sI4s16sII", connection, "--map-set", "socks[0]=tcp", "--map-set", "socks[1]=listen6",
                        "--map-set", "socks[2]=listen")
    one(out, 1, [])
    expect(answers, {0: -94, 1: -97, 2: 0, 8: 1, 9: 10, 10: 10})  # one on ::1 is for IPv6 only
    check(out["details"].get("sk", 0) > 0, f"a cookie: {out.get('details')}")

    name = "kernel/pid_max"
    with open(data, "w") as f:
        f.write(name)
    out, answers = run("sysctl", "--data-in", data)
    expect(answers, {0: len(name), 1: 7, 2: ord("p"), 3: -7, 4: 1, 5: -22, 6: -22, 7: 0})
    with open(data, "w") as f:
        f.write("kernel.pid_max=99999\n")
    before = open("/proc/sys/kernel/pid_max").read()
    out, answers = run("sysctl", "--data-in", data)
    expect(answers, {0: len(name), 5: 5, 6: 0, 7: 1})
    check(open("/proc/sys/kernel/pid_max").read() == before, "nothing is written to the machine")
    with open(data, "w") as f:
        f.write("../../etc/passwd")
    code, _, err = osmia("sysctl", "--data-in", data)
    check(code and "expected NAME" in err, f"no sysctl: {err}")

    with open(data, "wb") as f:
        f.write(bytes([5, 0, 0, 0]))
    out, answers = hook("set_option", "<QQQiiii", (0, 0, 0, 0, 1, 4, 0), "--data-in", data)
    one(out, 1, [])
    expect(answers, {0: 0, 1: 0, 2: 131072, 3: -22, 4: -22, 5: -22})
    check(out["details"].get("optlen") == 1, f"details {out.get('details')}")
    out, answers = hook("get_option", "<QQQiiii", (0, 0, 0, 1, 3, 4, 0))  # SO_TYPE
    expect(answers, {0: 0, 1: 4, 2: 0, 3: -1})
    out, answers = hook("get_option", "<QQQiiii", (0, 0, 0, 1, 9999, 4, 0))
    expect(answers, {0: -92, 2: -92})  # what Linux says of an unknown option

    out, answers = hook("connect4", "<II16sIIII", (2, 0x0100007F, bytes(16), 80 << 8, 2, 1, 6))
    one(out, 1, [])
    expect(answers, {0: 0, 1: -97, 2: -22})
    check(out["details"].get("user_port") == 81 << 8, f"details {out.get('details')}")

    listing, frame = f"{folder}/sockets", f"{folder}/frame"
    with open(frame, "wb") as f:
        f.write(bytes(60))
    with open(listing, "w") as f:
        f.write("tcp LISTEN 0 128 10.0.0.1:80 0.0.0.0:* fwmark:0x2a\n")
    out, answers = run("look", "--data-in", frame, "--sockets", listing)
    one(out, 2, [])
    expect(answers, {0: 42, 1: 10})
    with open(listing, "w") as f:
        f.write("")
    out, _ = run("look", "--data-in", frame, "--sockets", listing)
    one(out, 1, [])
    with open(listing, "w") as f:
        f.write("what is this")
    code, _, err = osmia("look", "--data-in", frame, "--sockets", listing)
    check(code and "line 1: expected tcp or udp" in err, f"a bad list: {err}")
