#!/usr/bin/env python3
"""What gdb and perf see of compiled programs: debuggers_test.py HOST (see host.cpp)."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HOST = pathlib.Path(sys.argv[1])
TIERS = ("direct", "optimised")
CHAIN = ["stop_here", "bpf_prog_walker_callback", "call_back", "bpf_prog_walker_deeper", "bpf_prog_walker", "run_program",
         "main"]


def run(*args, env=None, wrapper=()):
    return subprocess.run([*wrapper, HOST, *args], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **(env or {})})


class PerfMap(unittest.TestCase):
    def test_lines_cover_the_code(self):
        for tier in TIERS:
            with self.subTest(tier):
                done = run(tier, env={"OSMIA_JIT_PERF": "1"})
                pid, found, base, size = re.match(r"pid (\d+), (\w+), code 0x([0-9a-f]+) (\d+)", done.stdout).groups()
                self.assertEqual(found, tier)
                path = pathlib.Path(f"/tmp/perf-{pid}.map")
                self.addCleanup(path.unlink)
                at, names = int(base, 16), []
                for line in path.read_text().splitlines():
                    start, length, name = line.split(" ", 2)
                    self.assertEqual(int(start, 16), at, "no gap, nothing twice")
                    at += int(length, 16)
                    names.append(name)
                self.assertEqual(at, int(base, 16) + int(size))
                self.assertEqual(names, ["bpf_prog_walker", "bpf_prog_walker_deeper", "bpf_prog_walker_callback"])

    def test_only_on_request(self):
        for env in ({}, {"OSMIA_JIT_PERF": "0"}):
            pid = re.match(r"pid (\d+)", run("optimised", env=env).stdout)[1]
            self.assertFalse(os.path.exists(f"/tmp/perf-{pid}.map"))

    def test_perf_names_the_program(self):
        perf = shutil.which("perf")
        with tempfile.TemporaryDirectory() as folder:
            data = os.path.join(folder, "data")
            if not perf or subprocess.run([perf, "record", "-o", data, "true"], capture_output=True).returncode:
                self.skipTest("notice: no perf, or it may not record here")
            done = run("optimised", "20000000", env={"OSMIA_JIT_PERF": "1"}, wrapper=(perf, "record", "-q", "-o", data))
            self.assertEqual(done.returncode, 0, done.stderr)
            pid = re.search(r"pid (\d+)", done.stdout)[1]
            self.addCleanup(pathlib.Path(f"/tmp/perf-{pid}.map").unlink)
            report = subprocess.run([perf, "report", "-i", data, "--stdio"], capture_output=True, text=True).stdout
            self.assertIn("bpf_prog_walker", report)


class Gdb(unittest.TestCase):
    def setUp(self):
        self.gdb = shutil.which("gdb")
        if not self.gdb:
            self.skipTest("notice: no gdb")

    def batch(self, tier, *commands):
        args = [self.gdb, "-q", "-nx", "--batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load off"]
        for c in ("set pagination off", "set width 0", "set startup-with-shell off", "set breakpoint pending on", *commands):
            args += ["-ex", c]
        done = subprocess.run([*args, "--args", HOST, tier], capture_output=True, text=True, timeout=300,
                              env={**os.environ, "OSMIA_JIT_GDB": "1"})
        if "ptrace: Operation not permitted" in done.stderr:
            self.skipTest("notice: gdb may not trace here")
        return done.stdout

    @staticmethod
    def frames(text):
        return re.findall(r"^#\d+\s+(?:0x[0-9a-f]+ in )?(\S+) \(", text, re.M)

    def test_backtrace_in_a_helper(self):
        for tier in TIERS:
            with self.subTest(tier):
                text = self.batch(tier, "break stop_here", "run", "bt")
                self.assertEqual(self.frames(text), CHAIN, text)

    def test_breakpoint_in_a_program(self):
        text = self.batch("optimised", "break run_program", "run", "break bpf_prog_walker_deeper", "continue", "bt", "finish")
        self.assertEqual(self.frames(text)[-4:], ["bpf_prog_walker_deeper", "bpf_prog_walker", "run_program", "main"], text)
        self.assertTrue(text.endswith(" in bpf_prog_walker ()\n"), text)  # where `finish` came to

    def test_every_instruction_knows_its_caller(self):
        # From the program's first instruction to its return: whatever the place, run_program is below.
        for tier in TIERS:
            with self.subTest(tier):
                text = self.batch(tier, "break run_program", "run", "break *bpf_prog_walker", "continue",
                                  "python\nfor i in range(400):\n  t = gdb.execute('bt', to_string=True)\n"
                                  "  print('STEP ' + ' '.join(t.split('\\n')))\n"
                                  "  if gdb.newest_frame().name() == 'run_program': break\n"
                                  "  gdb.execute('stepi', to_string=True)\nend")
                steps = [l for l in text.splitlines() if l.startswith("STEP ")]
                self.assertGreater(len(steps), 40, text)
                self.assertLess(len(steps), 400, "it came back")
                for line in steps:
                    self.assertIn(" in run_program (" if not line.startswith("STEP #0  run_program") else "run_program", line)
                    self.assertRegex(line, r"main \(")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
