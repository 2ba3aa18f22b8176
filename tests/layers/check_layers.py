#!/usr/bin/env python3
"""Checks what DESIGN.md's layout promises and a compiler does not.

Prints one `file:line: what` per violation and exits 1 if there is any; 0 otherwise. The rules:
  order   a room under src/ includes only itself and the rooms above it in ROOMS; the verifier only VERIFIER_SEES
  def     files under */def/ never include each other; jit's CPU folders never include each other
  length  no file of ours is longer than 600 lines
  banned  src/verifier never names a map type, program type or helper
  opening every source under src/ and include/ opens with a comment that states its idea
"""
import pathlib
import re
import sys

ROOMS = ("base isa btf contract verifier rewrite interp jit host maps struct_ops helpers kfuncs prog_types runtime "
         "modules offload syscall loader preload report api cli").split()
VERIFIER_SEES = {"base", "isa", "btf", "contract", "verifier"}
MAX_LINES = 600
BANNED = re.compile(r"\b(?:BPF_MAP_TYPE_|BPF_PROG_TYPE_|BPF_FUNC_)\w*")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
OUR_FOLDERS = ("src", "include", "tests", "cmake", "scripts", "examples", "bench")
SOURCES = {".h", ".hpp", ".c", ".cpp", ".cc", ".inc", ".S"}
TEXTS = SOURCES | {".py", ".cmake", ".sh", ".txt", ""}
DATA_FOLDERS = {"golden", "seeds", "captures", "__pycache__", "data", "corpus"}
CPUS = {"x86_64", "arm64", "llvm"}


def files_of(root, folder):
    for path in sorted((root / folder).rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not DATA_FOLDERS.intersection(parts[:-1]):
            yield path, parts


def check_include(parts, name):
    """Why the file src/room/... (its path in parts) may not #include "name"; None if it may."""
    room, stem = parts[1], parts[-1].rsplit(".", 1)[0]
    target = pathlib.PurePosixPath(name).parts
    if "def" in parts[:-1]:
        # "neighbour.h" beside it, or "room/def/neighbour.h": either way another definition.
        beside = len(target) == 1 or "def" in target[:-1]
        if beside and target[-1].rsplit(".", 1)[0] != stem:
            return f'def/ siblings never see each other, found "{name}"'
    if len(target) < 2 or target[0] not in ROOMS or room not in ROOMS:
        return None
    if room == target[0] == "jit" and parts[2] in CPUS and target[1] in CPUS - {parts[2]}:
        return f'jit/{parts[2]} never sees jit/{target[1]}, found "{name}"'
    if room == "verifier" and target[0] not in VERIFIER_SEES:
        return f'the verifier sees only {", ".join(sorted(VERIFIER_SEES))}, found "{name}"'
    if ROOMS.index(target[0]) > ROOMS.index(room):
        return f'room {room} is above {target[0]} and cannot see it, found "{name}"'
    return None


def check(root):
    root = pathlib.Path(root)
    found = []
    for folder in OUR_FOLDERS:
        for path, parts in files_of(root, folder):
            if path.suffix not in TEXTS:
                continue
            try:
                lines = path.read_text(encoding="utf-8").splitlines()
            except UnicodeDecodeError:
                continue
            rel = "/".join(parts)

            def report(line, what):
                found.append(f"{rel}:{line}: {what}")

            if len(lines) > MAX_LINES:
                report(MAX_LINES + 1, f"{len(lines)} lines, at most {MAX_LINES} are allowed")
            if path.suffix not in SOURCES:
                continue
            if folder in ("src", "include"):
                first = next((i for i, l in enumerate(lines) if l.strip()), None)
                if first is None or not lines[first].lstrip().startswith(("//", "/*")):
                    report((first or 0) + 1, "the file does not open with a comment that states its idea")
            if folder != "src" or len(parts) < 3:
                continue
            room = parts[1]
            if room not in ROOMS:
                report(1, f"'{room}' is not a room (expected one of: {' '.join(ROOMS)})")
            for number, line in enumerate(lines, 1):
                match = INCLUDE.match(line)
                if match:
                    reason = check_include(parts, match.group(1))
                    if reason:
                        report(number, reason)
                if room == "verifier":
                    name = BANNED.search(line)
                    if name:
                        report(number, f"the verifier knows no {name.group(0)}: it belongs in the Catalog")
    return found


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    if not (pathlib.Path(root) / "src").is_dir():
        print(f"check_layers: {root} has no src/ folder", file=sys.stderr)
        return 2
    found = check(root)
    for line in found:
        print(line)
    print(f"check_layers: {len(found)} violation(s)", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
