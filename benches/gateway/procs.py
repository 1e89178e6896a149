"""What the kernel says of a process and its children: processor time and memory."""
import os, pathlib, sys

TICK = os.sysconf("SC_CLK_TCK")


def tree(pid):
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [int(pid)] + [p for child in children for p in tree(child)]


def cpu(pid):
    """Seconds of processor time, of all threads and children."""
    total = 0
    for p in tree(pid):
        fields = pathlib.Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def memory(pid):
    """Resident and proportional set, in KiB."""
    rss = pss = 0
    for p in tree(pid):
        for line in pathlib.Path(f"/proc/{p}/smaps_rollup").read_text().splitlines()[1:]:
            name, value = line.split()[:2]
            rss += int(value) if name == "Rss:" else 0
            pss += int(value) if name == "Pss:" else 0
    return rss, pss


def busy(core=None):
    """Seconds a core (or all together) was not idle; `steal` counts, as it too is time nobody here had."""
    name = "cpu" if core is None else f"cpu{core}"
    for line in open("/proc/stat"):
        if line.split()[0] == name:
            user, nice, system, _idle, _wait, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq + steal) / TICK
    raise LookupError(name)


if __name__ == "__main__":
    print(*memory(sys.argv[1]))
