"""What all benchmarks print: one JSON object a line on standard output, then a table for people on standard error."""
import json
import math
import os
import statistics
import sys


def emit(bench, name, engine, ns, **more):
    """One measurement. ns may be None where there is none; `more` then says why."""
    row = {"bench": bench, "name": name, "engine": engine, "ns": None if ns is None else round(ns, 3)}
    row.update({k: v for k, v in more.items() if v is not None})
    print(json.dumps(row), flush=True)


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def geomean(values):
    values = [v for v in values if v and v > 0]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def paired(ours, theirs):
    """Median of the ratios round by round: what two sides measured side by side have in common cancels."""
    return median([a / b for a, b in zip(ours, theirs) if a is not None and b])


def shown(value, digits=2):
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.0f}"


def table(head, rows, digits=2):
    """Columns aligned: the first to the left, the others to the right."""
    cells = [[shown(c, digits) for c in row] for row in [head] + rows]
    widths = [max(len(r[i]) for r in cells) for i in range(len(head))]
    for row in cells:
        line = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  ".join(line).rstrip(), file=sys.stderr)


def figure(what, value, target, met, digits=2):
    """A figure of the whole run beside its target."""
    state = "not measured" if value is None else "met" if met else "MISSED"
    print(f"{what}: {shown(value, digits)} (target {target}): {state}", file=sys.stderr)


def number(variable, default):
    """A number from the environment (make NAME=N)."""
    text = os.environ.get(variable, "")
    try:
        return type(default)(text) if text else default
    except ValueError:
        sys.exit(f"bench: {variable}={text}: expected a number")


def only():
    """The names that ONLY=a,b narrows a run to; empty: everything."""
    return [n for n in os.environ.get("ONLY", "").split(",") if n]
