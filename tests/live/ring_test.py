#!/usr/bin/env python3
"""A ring buffer's readiness: the same on Osmia, on the live kernel (where bpf(2) is allowed) and as written here.
  ring_test.py OSMIA CLIENT"""
import subprocess
import sys

OSMIA, CLIENT = sys.argv[1:3]
EXPECTED = {
    "empty": 0, "one record": 1, "still there": 1, "consumed": 0, "two records": 1, "one of two left": 1, "none left": 0,
    "forced": 1, "edge: empty": 0, "edge: a record": 1, "edge: the same one": 0, "edge: another": 1,
    "added with a record in it": 1, "and consumed": 0,
}


def run(*prefix):
    done = subprocess.run([*prefix, CLIENT], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


code, ours, err = run(OSMIA, "exec", "--")
if code:
    sys.exit(f"ring: under osmia exec: {code} {err}")
for line in ours:
    when, _, rest = line.partition(": epoll ")
    if rest and when in EXPECTED and int(rest.split()[0]) != EXPECTED[when]:
        sys.exit(f"ring: {line}, expected {EXPECTED[when]}\n" + "\n".join(ours))
if "nobody was woken: epoll 0" not in ours or "nobody was woken: poll 1 in" not in ours:
    sys.exit("ring: records without a wake-up\n" + "\n".join(ours))
code, linux, err = run()
if code:
    print(f"ring: the live kernel could not be asked: {err.strip()}")
elif linux != ours:
    sys.exit("ring: Linux says\n" + "\n".join(linux) + "\nOsmia says\n" + "\n".join(ours))
print("\n".join(ours))
