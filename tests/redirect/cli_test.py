#!/usr/bin/env python3
"""Where `osmia run` says that packets go.  cli_test.py OSMIA OBJECT CAPTURE"""
import json
import subprocess
import sys
import tempfile

OSMIA, OBJECT, CAPTURE = sys.argv[1:4]
PACKETS = 356
NETWORK = """2: eth0: mtu 1500
    link/ether 02:00:00:00:00:02
3: eth1: mtu 1500
4: eth2: mtu 1500
net.ipv4.conf.eth2.forwarding = 0
default via 10.99.0.1 dev eth1
default via fd99::1 dev eth1 pref medium
10.99.0.1 dev eth1 lladdr 02:aa:00:00:00:01 REACHABLE
fd99::1 dev eth1 lladdr 02:aa:00:00:00:02 REACHABLE
"""


def osmia(prog, *args):
    done = subprocess.run([OSMIA, "run", OBJECT, "--prog", prog, "--pcap", CAPTURE, *args], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check(condition, what):
    if not condition:
        sys.exit(f"redirect: {what}")


def targets(prog, *args):
    code, text, err = osmia(prog, "--format", "json", *args)
    check(code == 0, f"{prog} {args}: {err}")
    return json.loads(text)["counts"]


with tempfile.TemporaryDirectory() as folder:
    fib = f"{folder}/network"
    with open(fib, "w") as f:
        f.write(NETWORK)

    def one(prog, retval, expected, *args):
        counts = targets(prog, "--fib", fib, *args)
        check(len(counts) == 1 and counts[0]["retval"] == retval and counts[0]["packets"] == PACKETS, f"{prog}: {counts}")
        got = counts[0].get("targets", [])
        check(got == expected, f"{prog}: expected {expected}, found {got}")

    one("to_device", 4, [{"target": "device", "ifindex": 3, "packets": PACKETS}])
    one("only_says_so", 4, [{"target": "nowhere", "packets": PACKETS}])
    one("by_hash", 2, [])
    one("by_hash", 4, [{"target": "device", "ifindex": 4, "map": "by_vlan", "key": 100, "packets": PACKETS}],
        "--map-set", "by_vlan[100]=4")
    one("to_cpu", 0, [])
    one("to_cpu", 4, [{"target": "cpu", "cpu": 1, "map": "cpus", "key": 1, "packets": PACKETS}], "--map-set", "cpus[1]=192")
    one("to_all", 4, [{"target": "all_devices_but_ingress", "map": "devices", "packets": PACKETS}])
    one("to_socket", 2, [])
    one("tc_to_device", 7, [{"target": "device", "ifindex": 2, "ingress": True, "packets": PACKETS}])
    one("tc_to_peer", 7, [{"target": "peer", "ifindex": 2, "packets": PACKETS}])
    one("tc_to_neighbour", 7, [{"target": "neighbour", "ifindex": 2, "packets": PACKETS}])
    into = {"map": "devices", "key": 1, "program": "on_the_way_out"}
    counts = targets("by_map", "--fib", fib, "--ifindex", "2", "--map-set", "devices[1]=3/on_the_way_out")
    sent = [c for c in counts if c["retval"] == 4][0]
    check(sent["targets"] == [{"target": "device", "ifindex": 3, **into, "action": "XDP_PASS", "then": "sent", "packets": sent["packets"]}], counts)
    code, text, _ = osmia("by_map", "--fib", fib, "--ifindex", "2", "--map-set", "devices[1]=4/on_the_way_out")
    check("to ifindex 4 by devices[1], on_the_way_out: XDP_DROP, dropped" in text, text)
    one("to_cpu", 4, [{"target": "cpu", "cpu": 1, "map": "cpus", "key": 1, "program": "on_the_cpu", "action": "XDP_REDIRECT", "then": "redirected",
                       "packets": PACKETS},
                      {"target": "device", "ifindex": 3, "map": "devices", "key": 2, "program": "on_the_way_out", "action": "XDP_PASS", "then": "sent",
                       "packets": PACKETS}],
        "--ifindex", "2", "--map-set", "cpus[1]=192/on_the_cpu", "--map-set", "devices[2]=3/on_the_way_out")
    code, text, _ = osmia("tc_clones", "--fib", fib)
    check(code == 0 and "clones sent" in text and f"{2 * PACKETS}" in text, text)

    counts = targets("by_map", "--fib", fib, "--map-set", "devices[1]=2")
    by_value = {c["retval"]: c for c in counts}
    check(sum(c["packets"] for c in counts) == PACKETS and set(by_value) == {1, 4}, f"by_map: {counts}")
    check(by_value[4]["targets"] == [{"target": "device", "ifindex": 2, "map": "devices", "key": 1, "packets": by_value[4]["packets"]}], f"by_map: {counts}")
    code, text, _ = osmia("by_map", "--fib", fib, "--map-set", "devices[1]=2")
    check("to ifindex 2 by devices[1]" in text, text)

    counts = targets("router", "--fib", fib, "--ifindex", "2")
    sent = [c for c in counts if c["retval"] == 4]
    check(sent and sent[0]["targets"] == [{"target": "device", "ifindex": 3, "packets": sent[0]["packets"]}], f"router: {counts}")
    check(not [c for c in targets("router", "--fib", fib, "--ifindex", "4") if c["retval"] == 4], "eth2 forwards")

    def fails(text, *args):
        code, _, err = osmia("by_map", *args)
        check(code == 2 and text in err and err.count("\n") == 1, f"{args}: {code} {err!r}")

    fails("expected NAME[KEY]=VALUE", "--map-set", "devices")
    fails("has no map 'nope'", "--map-set", "nope[1]=2")
    fails("does not fit 4 bytes", "--map-set", "devices[0x100000000]=2")
    fails("expected a number", "--map-set", "devices[x]=2")
    fails("has no program 'nope'", "--map-set", "devices[1]=2/nope")
    fails("have no room for a program", "--map-set", "by_vlan[1]=2/on_the_way_out")
    fails("Invalid argument", "--fib", fib, "--map-set", "devices[1]=2/on_the_cpu")
    fails("Invalid argument", "--fib", fib, "--map-set", "devices[1]=77")
    fails("Argument list too long", "--fib", fib, "--map-set", "devices[8]=2")
    fails("cannot be read", "--fib", f"{folder}/none")
