#!/usr/bin/env python3
"""`osmia disasm --jited` and bpftool's `prog dump jited`: disasm_test.py OSMIA OBJECTS EXAMPLES.

Invariants checked: host code is listed without gaps from its first byte to its last; every BPF instruction and
source line shown is one that `osmia disasm` shows of the same program; every function has its code; what is
wrong is one line on standard error and a status other than 0.
"""
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

OSMIA, OBJECTS, EXAMPLES = (pathlib.Path(p) for p in sys.argv[1:4])
HOST = re.compile(r"^ {8,}([0-9a-f]+):  (\S.*)$")
BPF = re.compile(r"^ {0,3}\d+: \(")
HEAD = re.compile(r"^(\S+): (\d+) bytes, (optimising|direct) tier$")
X86 = platform.machine() == "x86_64"


def osmia(*args, env=None):
    return subprocess.run([OSMIA, *map(str, args)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **(env or {})})


def plain(file):
    """Program name -> the lines of `osmia disasm`, which are checked against golden texts elsewhere."""
    programs, name = {}, None
    for line in osmia("disasm", file).stdout.splitlines():
        if m := re.match(r"^(\S+) \(.*\d+ instructions\):$", line):
            programs[name := m[1]] = []
        else:
            programs[name].append(line)
    return programs


def jited(text):
    """Program name -> (bytes, [(kind, ...)]) of `osmia disasm --jited`."""
    programs, rows = {}, None
    for line in text.splitlines():
        if m := HEAD.match(line):
            rows = []
            programs[m[1]] = (int(m[2]), rows)
        elif m := HOST.match(line):
            rows.append(("host", int(m[1], 16), m[2]))
        elif BPF.match(line):
            rows.append(("bpf", line))
        elif line.startswith("; "):
            rows.append(("source", line))
        elif line.strip().startswith("("):
            rows.append(("none", line))
        elif line.endswith(":"):
            rows.append(("function", line[:-1]))
        else:
            raise AssertionError(f"a line of no known kind: {line!r}")
    return programs


class Jited(unittest.TestCase):
    def check_object(self, file):
        done = osmia("disasm", "--jited", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        loaded, programs = plain(file), jited(done.stdout)
        self.assertEqual(sorted(loaded), sorted(programs))
        for name, (size, rows) in programs.items():
            host = [r for r in rows if r[0] == "host"]
            self.assertEqual(host[0][1], 0, name)
            addresses = [r[1] for r in host]
            self.assertEqual(addresses, sorted(set(addresses)), name)
            self.assertLess(addresses[-1], size)
            self.assertGreaterEqual(addresses[-1] + 16, size, name)
            if X86:
                self.assertFalse([r for r in host if r[2].startswith(".byte")], name)
            texts = set(loaded[name])
            for row in rows:
                if row[0] in ("bpf", "source"):
                    self.assertIn(row[1], texts, name)
            # Code stands under an instruction; what precedes a function's first one is its entry.
            kinds = {r[0] for r in rows}
            self.assertLessEqual({"host", "bpf", "source", "function"}, kinds, name)
        return programs

    def test_examples(self):
        files = sorted(EXAMPLES.glob("*.bpf.o"))
        self.assertGreaterEqual(len(files), 3)
        for file in files:
            with self.subTest(file.name):
                self.check_object(file)

    def test_functions_callbacks_and_maps(self):
        programs = self.check_object(OBJECTS / "functions.bpf.o")
        rows = programs["counts"][1]
        names = [r[1] for r in rows if r[0] == "function"]
        self.assertEqual(names[0], "counts")
        for name in ("weigh", "global_part", "each"):
            self.assertIn(name, names)
        # The source lines of a function stand in its code, and its division is not divided.
        at = rows.index(("function", "weigh"))
        mine = rows[at:rows.index(("function", names[names.index("weigh") + 1]))] if names[-1] != "weigh" else rows[at:]
        self.assertTrue([r for r in mine if r[0] == "source" and "x << 5" in r[1]])
        self.assertTrue([r for r in mine if r[0] == "bpf" and "/= 10" in r[1]])
        lookup = next(i for i, r in enumerate(rows) if r[0] == "bpf" and "bpf_map_lookup_elem" in r[1])
        self.assertTrue(any(r[0] == "host" for r in rows[lookup + 1:lookup + 4]))

    def test_rewritten_accesses(self):
        # A context access becomes another one: it stands under the instruction of the object.
        rows = self.check_object(OBJECTS / "context.bpf.o")["only_tc"][1]
        at = next(i for i, r in enumerate(rows) if r[0] == "bpf" and "*(u32 *)(r1 +8) =" in r[1])
        self.assertEqual(rows[at + 1][0], "host")

    def test_one_program(self):
        done = osmia("disasm", "--jited", "--prog", "only_tc", OBJECTS / "context.bpf.o")
        self.assertEqual((done.returncode, list(jited(done.stdout))), (0, ["only_tc"]))

    def test_long_program(self):
        size, rows = self.check_object(OBJECTS / "long.bpf.o")["long_one"]
        self.assertGreater(size, 10000)
        self.assertGreater(sum(r[0] == "bpf" for r in rows), 2000)

    def complains(self, *args, status, words):
        done = osmia("disasm", *args)
        lines = done.stderr.splitlines()
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("osmia disasm: error: "), lines[0])
        for word in words:
            self.assertIn(word, lines[0])
        return done

    def test_refused_program(self):
        done = self.complains("--jited", OBJECTS / "refused.bpf.o", status=1,
                              words=["reads_too_far", "outside of the packet"])
        self.assertEqual(list(jited(done.stdout)), ["passes"], "the other program is shown all the same")

    def test_bad_input(self):
        with tempfile.TemporaryDirectory() as folder:
            text, cut = pathlib.Path(folder, "text.o"), pathlib.Path(folder, "cut.o")
            text.write_text("no object\n")
            cut.write_bytes((OBJECTS / "functions.bpf.o").read_bytes()[:700])
            for path in ("/nonexistent.bpf.o", text, cut, folder):
                with self.subTest(str(path)):
                    self.complains("--jited", path, status=2, words=[str(path)])
        self.complains("--jited", "--prog", "nobody", OBJECTS / "functions.bpf.o", status=2, words=["nobody"])
        self.complains("--jited", "--cpu", "arm64" if X86 else "x86_64", OBJECTS / "functions.bpf.o", status=2,
                       words=["--cpu"])


class Bpftool(unittest.TestCase):
    """Unmodified bpftool under `osmia exec`."""

    def setUp(self):
        self.tool = os.environ.get("OSMIA_BPFTOOL") or shutil.which("bpftool")
        if not self.tool or not (OSMIA.parent / "libosmia-preload.so").exists():
            self.skipTest("notice: no bpftool (OSMIA_BPFTOOL=FILE), or no preload library")

    def batch(self, *commands):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
            f.write("\n".join(commands) + "\n")
            f.flush()
            return subprocess.run([OSMIA, "exec", "--", self.tool, "-j", "batch", "file", f.name], capture_output=True,
                                  text=True, timeout=120)

    def test_dump_jited(self):
        done = self.batch(f"prog load {OBJECTS / 'functions.bpf.o'} /sys/fs/bpf/osmia_cli_test type xdp",
                          "prog show pinned /sys/fs/bpf/osmia_cli_test",
                          "prog dump jited pinned /sys/fs/bpf/osmia_cli_test linum opcodes")
        text = done.stdout
        if "No JIT disassembly support" in text:
            self.skipTest("notice: this bpftool has no disassembler")
        self.assertNotIn("error", text, text[:500])
        shown = json.loads(text)[-1]["output"]
        functions = {f["name"]: f["insns"] for f in shown}
        for name in ("counts", "weigh", "each", "global_part"):
            insns = next(v for k, v in functions.items() if k.endswith("_" + name))
            self.assertTrue(any("src" in i for i in insns), f"{name} has source lines")
            self.assertFalse([i for i in insns if "bad" in json.dumps(i["operation"])], name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
