"""Talking to the workers: one process a side, a command a line out, one JSON object a line back."""
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("OSMIA_BUILD") or os.path.join(ROOT, "build")


def notice(text):
    print(text, file=sys.stderr, flush=True)


class Worker:
    """A worker process. `why` is empty if its bpf(2) answers; a process that dies is an answer, and is replaced."""

    def __init__(self, side, *options):
        self.side, self.options = side, options
        self.process = None
        self.why = self._start()

    def _start(self):
        path = os.path.join(BUILD, "bench", f"bench-worker-{self.side}")
        if not os.path.exists(path):
            sys.exit(f"bench: {path} is not there: expected the target bench-workers to be built (make does it)")
        self.process = subprocess.Popen([path, *self.options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        greeting = self._read()
        return "" if greeting.get("ok") else greeting.get("why") or "no reason given"

    def _read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {}

    def __call__(self, *words):
        """Sends a command; the answer always has `ok`, and `why` where that is false."""
        try:
            self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
            self.process.stdin.flush()
            answer = self._read()
        except (BrokenPipeError, ValueError):
            answer = {}
        if answer:
            return answer
        status = self.process.wait()
        self._start()
        return {"ok": False, "why": f"the worker of {self.side} died (status {status}) at: {' '.join(map(str, words))}"}

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()


def kernel_worker():
    """The machine's kernel, or None with a notice where it refuses bpf(2)."""
    worker = Worker("kernel")
    if not worker.why:
        return worker
    notice(f"bench: the kernel side is skipped: {worker.why} (as root, on a kernel with bpf(2), it runs)")
    worker.close()
    return None
