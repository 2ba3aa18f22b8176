"""Compiling benchmark programs as people compile theirs, once for every change of the source."""
import concurrent.futures
import os
import shutil
import subprocess
import sys

from .worker import BUILD, ROOT

CLANGS = ("clang-19", "clang-20", "clang-18", "clang")
HEADERS = os.path.join(ROOT, "bench", "programs")


def clang():
    for name in CLANGS:
        if shutil.which(name):
            return name
    sys.exit("bench: expected clang-19 (scripts/deps installs it), found none")


def _compile(source, out, flags):
    os.makedirs(os.path.dirname(out), exist_ok=True)
    headers = [os.path.join(d, "bench.h") for d in (HEADERS, os.path.dirname(source))]
    newest = max(os.path.getmtime(f) for f in [source] + headers if os.path.exists(f))
    if os.path.exists(out) and os.path.getmtime(out) > newest:
        return out
    run = subprocess.run([clang(), *flags, "-Wno-unknown-attributes", "-c" if out.endswith(".o") else "-shared", source, "-o", out],
                         capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"bench: {source} does not compile:\n{run.stderr}")
    return out


def compile_bpf(source, folder, *defines):
    """SOURCE.bpf.c -> FOLDER/SOURCE.bpf.o."""
    flags = ["-O2", "-g", "--target=bpf", "-mcpu=v3", "-I", HEADERS, *defines]
    for include in ("build/third_party/include", "build/third_party/uapi"):
        flags += ["-isystem", os.path.join(ROOT, include)]
    flags += ["-idirafter", f"/usr/include/{os.uname().machine}-linux-gnu"]
    return _compile(source, os.path.join(folder, os.path.basename(source).removesuffix(".c") + ".o"), flags)


def compile_native(source, folder):
    """The same function as machine code, optimised but not vectorised: what a JIT could at best reach."""
    flags = ["-O2", "-fno-vectorize", "-fno-slp-vectorize", "-fPIC", "-DBENCH_NATIVE", "-I", HEADERS]
    return _compile(source, os.path.join(folder, os.path.basename(source).removesuffix(".bpf.c") + ".so"), flags)


def compile_all(jobs):
    """jobs: [(function, arguments…)]; as many at a time as there are processors."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda job: job[0](*job[1:]), jobs))
