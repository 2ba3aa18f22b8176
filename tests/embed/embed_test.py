#!/usr/bin/env python3
"""Installs the library into a temporary folder, builds examples/embed against it, runs both programs.

Fails if an installed header needs a file that is not installed, if the package is not found, if the shared library
shows symbols of the rooms, or if a program's output is not the expected one.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

cmake, build, example, cc, cxx = sys.argv[1:6]

EXPECTED = {
    "firewall": ["verified: accepted", "10.0.0.1 -> port 53: passed", "10.0.0.7 -> port 53: dropped",
                 "10.0.0.1 -> port 5353: dropped", "rule for 10.0.0.7: 1 packets", "UDP packets passed, all CPUs: 1"],
    "firewall_c": ["verified: accepted", "10.0.0.6 -> port 53: passed", "10.0.0.7 -> port 53: dropped",
                   "rule for 10.0.0.7: 1 packets"],
    "hooks": ["5000 bytes, priority 1: 50", "300 bytes, priority 1: 3", "5000 bytes, priority 2: -1",
              "5000 bytes, priority 10: 50", "5000 bytes, priority 3: 50",
              "programs saw 3 calls, 10300 bytes, 1 refused, cookie 42"],
}
OBJECT = {"hooks": "examples/embed/hooks.bpf.o"}


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    with tempfile.TemporaryDirectory() as folder:
        prefix, work = pathlib.Path(folder, "prefix"), pathlib.Path(folder, "build")
        run(cmake, "--install", build, "--component", "sdk", "--prefix", prefix)
        for header in sorted((prefix / "include/osmia").glob("*.h")):
            compiler = [cc, "-std=c99", "-xc"] if header.name == "osmia.h" else [cxx, "-std=c++20", "-xc++"]
            run(*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{prefix}/include", "-include",
                header, "/dev/null")
        library = next(prefix.rglob("libosmia.so"))
        strange = [s for s in run("nm", "-DC", "--defined-only", library).splitlines()
                   if re.search(r"\bosmia::(?!Kernel|Object|ObjectFile|Program|Map|Link|AnyHook)\w+::|\bbpf_object__", s)
                   and not re.search(r"osmia::(Kernel|Object|ObjectFile|Program|Map|Link|AnyHook)::", s)]
        if strange:
            sys.exit("libosmia.so shows what it should not:\n" + "\n".join(strange[:10]))
        run(cmake, "-S", example, "-B", work, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={cc}",
            f"-DCMAKE_CXX_COMPILER={cxx}", "-DCMAKE_BUILD_TYPE=Release")
        run(cmake, "--build", work)
        for program, lines in EXPECTED.items():
            out = run(work / program, pathlib.Path(build, OBJECT.get(program, "examples/xdp_firewall.bpf.o")))
            for line in lines:
                if line not in out:
                    sys.exit(f"{program}: expected a line with {line!r}, found:\n{out}")
            print(out, end="")


main()
