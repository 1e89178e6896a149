"""The tables of a run, from its files `samples`, `rest` and `streams`, and how it stands to the aims.
usage: report.py FOLDER PINNED ROUNDS SECONDS"""
import collections, pathlib, statistics, sys

TITLES = {
    "warm": "one warm token, 64 connections", "rotating": "2,000 warm tokens in turn, 64 connections",
    "cold": "a new token each request, 64 connections", "single": "one connection",
    "64KiB": "bodies of 64 KiB, 64 connections (HAProxy reads the first 16 KiB)",
    "list20": "tools/list of 20, ours filtered to 10", "list1000": "tools/list of 1,000, ours filtered to 500",
    "events": "answers as event streams",
}
NAMES = {
    "direct": "upstream itself", "nginx": "nginx, no checks", "haproxy": "HAProxy, no checks", "checks": "HAProxy, checks",
    "ours": "**ours**", "cold": "**ours**", "audited": "ours, audit to a file", "wide": "ours, policy of 1,000 servers",
    "before": "ours before", "before_cold": "ours before", "before_audited": "ours before, audit to a file",
}
# Two builds of ours, measured in the same turns.
PAIRS = {"ours": "before", "cold": "before_cold", "audited": "before_audited"}
folder, pinned, rounds, seconds = pathlib.Path(sys.argv[1]), sys.argv[2] == "1", *sys.argv[3:]

samples = collections.defaultdict(list)
for line in (folder / "samples").read_text().splitlines():
    workload, contender, *numbers = line.split()
    samples[workload, contender].append(list(map(float, numbers)))
median = {key: [statistics.median(column) for column in zip(*rows)] for key, rows in samples.items()}
rest = {name: (float(rss) / 1024, float(pss) / 1024)
        for name, rss, pss in map(str.split, (folder / "rest").read_text().splitlines())}
streams = {name: (int(count), int(each))
           for name, count, each in map(str.split, (folder / "streams").read_text().splitlines())}


def ratio(workload, contender, base, column=0):
    if (workload, contender) in median and (workload, base) in median:
        return median[workload, contender][column] / median[workload, base][column]
    return None


def times(value):
    return "–" if value is None else f"{value:.2f}"


print(f"{'Pinned: proxy on core 0, load and upstream on core 1' if pinned else 'Whole box: nothing pinned'}; "
      f"medians of {rounds} rounds of {seconds} s. Others: share of the {'proxy core' if pinned else 'cores'} "
      "that went elsewhere.")
for workload, title in TITLES.items():
    print(f"\n### {title}\n")
    print("| | req/s | x HAProxy, checks | x nginx | p50 µs | p99 µs | CPU µs/req | others | spread |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for (of, contender), (rate, p50, p99, cpu, others) in median.items():
        if of == workload:
            rates = [row[0] for row in samples[of, contender]]
            print(f"| {NAMES[contender]} | {rate:,.0f} | {times(ratio(of, contender, 'checks'))} "
                  f"| {times(ratio(of, contender, 'nginx'))} | {p50:.0f} | {p99:.0f} | {cpu:.1f} | {others:.0%} "
                  f"| {max(rates) / min(rates):.2f} |")

pairs = [(workload, new, old) for workload, new in median for old in [PAIRS.get(new)] if (workload, old) in median]
if pairs:
    print("\n### the build before, in the same turns\n\n| | req/s x before | p50 x before | CPU a request x before |\n|---|--:|--:|--:|")
for workload, new, old in pairs:
    print(f"| {TITLES[workload]}{', audited' if new == 'audited' else ''} | {times(ratio(workload, new, old))} "
          f"| {times(ratio(workload, new, old, 1))} | {times(ratio(workload, new, old, 3))} |")

print("\n### memory\n\n| | RSS at rest MiB | PSS at rest MiB | idle streams | KiB a stream |\n|---|--:|--:|--:|--:|")
for name, (rss, pss) in rest.items():
    count, each = streams.get(name, (None, None))
    print(f"| {NAMES[name]} | {rss:.1f} | {pss:.1f} | {count or '–'} | {times(each and each / 1024)} |")

if "ours" in rest:
    aims = [
        ("warm, 64 connections, x HAProxy with checks", ratio("warm", "ours", "checks"), 1.8, True),
        ("warm, 64 connections, x nginx", ratio("warm", "ours", "nginx"), 0.9, True),
        ("cold, 64 connections, x HAProxy with checks", ratio("cold", "cold", "checks"), 1.2, True),
        ("one connection, p50 over nginx, µs", median["single", "ours"][1] - median["single", "nginx"][1], 20, False),
        ("at rest, RSS MiB", rest["ours"][0], 15, False),
        (f"idle stream of {streams['ours'][0]:,}, KiB", streams["ours"][1] / 1024, 24, False),
    ]
    print("\n### aims\n\n| | aim | got | |\n|---|--:|--:|---|")
    for what, got, aim, least in aims:
        met = got >= aim if least else got <= aim
        print(f"| {what} | {'≥' if least else '≤'} {aim} | {got:.2f} | {'pass' if met else '**miss**'} |")
