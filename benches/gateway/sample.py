"""Runs wrk once and prints a line: workload, contender, requests a second, p50 and p99 in µs, processor µs a request of
the contender, share of the watched cores that went to others.
usage: sample.py WORKLOAD CONTENDER PID UPSTREAM_PID PINNED WRK...      exit 1 if an answer was not 2xx or went missing"""
import resource, subprocess, sys, time
import procs

workload, contender, pid, upstream, pinned, *wrk = sys.argv[1:]
core = 0 if pinned == "1" else None
watched = {pid} if pinned == "1" else {pid, upstream}


def reading():
    own = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
              for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) if core is None else 0
    return time.monotonic(), procs.cpu(pid), sum(map(procs.cpu, watched)) + own, procs.busy(core)


before = reading()
run = subprocess.run(wrk, capture_output=True, text=True)
after = reading()
result = [line for line in run.stdout.splitlines() if line.startswith("RESULT ")]
if run.returncode or not result:
    sys.exit(f"{workload} {contender}: wrk failed: {run.stdout}{run.stderr}")
requests, seconds, p50, p99, refused, broken = map(float, result[0].split()[1:])
if refused or broken or not requests:
    sys.exit(f"{workload} {contender}: of {requests:.0f} requests {refused:.0f} not 2xx, {broken:.0f} broken")
wall, used, ours, busy = (b - a for a, b in zip(before, after))
cores = 1 if core is not None else len([l for l in open("/proc/stat") if l[:3] == "cpu" and l[3].isdigit()])
print(workload, contender, f"{requests / seconds:.0f} {p50:.0f} {p99:.0f} {used / requests * 1e6:.1f}",
      f"{max(0, busy - ours) / (wall * cores):.3f}")
