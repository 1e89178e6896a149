"""Runs wrk, once more if others had too much of the machine, and prints a line of the quieter run: workload, contender,
requests a second, p50 and p99 in µs, processor µs a request of the contender, share of the watched cores that went to
others. usage: sample.py WORKLOAD CONTENDER PID UPSTREAM_PID PINNED WRK...
Exit 1 if an answer was not 2xx or went missing."""
import os, resource, subprocess, sys, time
import procs

NOISY = 0.10
workload, contender, pid, upstream, pinned, *wrk = sys.argv[1:]
# Pinned, the proxy's core is watched; else all, with what is known to run on them.
core, cores, watched = (0, 1, {pid}) if pinned == "1" else (None, os.cpu_count(), {pid, upstream})


def load():
    """Processor seconds of wrk and this process, which share the watched cores unless pinned."""
    if core is not None:
        return 0
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def reading():
    return time.monotonic(), procs.cpu(pid), sum(map(procs.cpu, watched)) + load(), procs.busy(core)


def sample():
    """Share of others, and the numbers."""
    before = reading()
    run = subprocess.run(wrk, capture_output=True, text=True)
    wall, used, ours, busy = (b - a for a, b in zip(before, reading()))
    result = next((line for line in run.stdout.splitlines() if line.startswith("RESULT ")), None)
    if run.returncode or not result:
        sys.exit(f"{workload} {contender}: wrk failed: {run.stdout}{run.stderr}")
    requests, seconds, p50, p99, refused, broken = map(float, result.split()[1:])
    if refused or broken or not requests:
        sys.exit(f"{workload} {contender}: of {requests:.0f} requests {refused:.0f} not 2xx, {broken:.0f} broken")
    others = max(0, busy - ours) / (wall * cores)
    return others, f"{requests / seconds:.0f} {p50:.0f} {p99:.0f} {used / requests * 1e6:.1f}"


others, numbers = sample()
if others > NOISY:
    others, numbers = min((others, numbers), sample())
print(workload, contender, numbers, f"{others:.3f}")
