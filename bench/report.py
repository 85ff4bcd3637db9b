#!/usr/bin/env python3
"""Writes the tables of docs/benchmarks.md from bench/results/*.json, between its markers.

    bench/report.py
"""
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "bench" / "results"

SERVERS = [
    ("nginx", "nginx `return 200`"),
    ("win", "Sluice, grabs that win, each committed with a full sync"),
    ("sold_out", "Sluice, refused as sold out"),
    ("redis_here", "nginx + Lua + Redis, all on the server core"),
    ("redis_free", "nginx + Lua + Redis, Redis free to use both cores"),
]
TARGETS = [
    ("win_to_nginx", "grabs that win : nginx `return 200`", 0.6),
    ("sold_out_to_nginx", "refused as sold out : nginx `return 200`", 0.75),
    ("win_to_redis", "grabs that win : nginx + Lua + Redis, the better of the two", 2.5),
    ("sold_out_to_redis", "refused as sold out : nginx + Lua + Redis, the better of the two", 2.5),
]


def machine(facts):
    return (f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, Linux {facts['kernel']}, "
            f"{facts['filesystem']}; {facts['sluice']}, {facts['nginx']}, Redis {facts['redis'].lstrip('v=')}; "
            f"{facts['date']}.")


def grab(data):
    lines = [machine(data["machine"]), "",
             f"{data['requests']:,} requests a round, medians of "
             f"{sum(1 for one in data['rounds'] if one['name'] == 'win')} interleaved rounds.", "",
             "| Server | Requests/s | Server CPU per request | p50 | p99 | Rounds |", "|---|---|---|---|---|---|"]
    for name, title in SERVERS:
        median = data["medians"][name]
        rounds = ", ".join(f"{one['per_second'] / 1000:.1f}k" for one in data["rounds"] if one["name"] == name)
        lines.append(f"| {title} | {median['per_second']:,.0f} | {median['cpu_us']:.1f} µs | "
                     f"{median['p50_ms']:.2f} ms | {median['p99_ms']:.2f} ms | {rounds} |")
    lines += ["", "| Ratio | Measured | Target |", "|---|---|---|"]
    for name, title, target in TARGETS:
        lines.append(f"| {title} | {data['ratios'][name]:.2f} | ≥ {target} |")
    busiest = max(one["generator_cpu"] for one in data["rounds"])
    lines += ["", f"Cross-check: wrk gets {data['wrk_nginx_per_second']:,.0f} requests/s out of the same nginx. "
              f"The load's core was at most {busiest * 100:.0f} % busy."]
    return lines


def memory(data):
    return [machine(data["machine"]), "", "| What | Measured | Target |", "|---|---|---|",
            f"| bytes per shopper, at {data['shoppers']:,} | {data['bytes_per_shopper']} | ≤ 200 |",
            f"| resident before and after | {data['before_kib'] // 1024} MiB, {data['after_kib'] // 1024} MiB | |",
            f"| start-up with these orders, page cache warm | {data['start_warm_ms'] / 1000:.1f} s | ≤ 3 s |",
            f"| the same, page cache dropped | {data['start_cold_ms'] / 1000:.1f} s | |",
            f"| size of the record | {data['record_bytes'] / 1048576:.0f} MiB | |"]


def notification(data):
    facts = data["machine"]
    lines = [f"{facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}; {facts['commit']}; {facts['date']}.", "",
             "| API | At a time | Notifications/s | CPU of verifying | CPU of everything |", "|---|---|---|---|---|"]
    return lines + [f"| {one['api']} | {one['window']} | {one['per_second']:,.0f} | {one['verify_cpu_us']:.1f} µs | "
                    f"{one['cpu_us']:.1f} µs |" for one in data["rounds"]]


def watchers(data):
    alone, watched = data["medians"]["alone"], data["medians"]["watched"]
    rounds = {name: ", ".join(f"{one['per_second'] / 1000:.1f}k" for one in data["rounds"] if one["name"] == name)
              for name in ("alone", "watched")}
    return [machine(data["machine"]), "",
            f"{data['requests']:,} winning grabs a round, medians of {len(data['rounds']) // 2} rounds in turns.", "",
            "| | Grabs/s | Server CPU per grab | Rounds |", "|---|---|---|---|",
            f"| no pages | {alone['per_second']:,.0f} | {alone['cpu_us']:.1f} µs | {rounds['alone']} |",
            f"| {data['watchers']} pages, each with a stream and a poll every 3 s | {watched['per_second']:,.0f} | "
            f"{watched['cpu_us']:.1f} µs | {rounds['watched']} |", "",
            f"With the pages: {data['ratio']:.2f} of the rate without; the target is ≥ 0.90."]


def mariadb_record(data):
    facts = data["machine"]
    names = {"grant": "orders", "pay": "payments", "expire": "expiries"}
    lines = [f"{facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, {facts['filesystem']}; "
             f"MariaDB {facts['mariadb']}; {facts['sluice']}; {facts['date']}.", "",
             "| What | A batch | Workers | A second | Batch p50 | Batch p99 | CPU of the worker | CPU of MariaDB |",
             "|---|---|---|---|---|---|---|---|"]
    return lines + [f"| {names[one['work']]} | {one['batch']:,} | {one['workers']} | {one['per_second']:,} | "
                    f"{one['p50_ms']:.1f} ms | {one['p99_ms']:.1f} ms | {one['own_us']:.1f} µs | "
                    f"{one['server_us']:.1f} µs |" for one in data["rounds"]]


def profile(data):
    lines = [f"{data['samples']:,} samples.", "", "| Part | Share |", "|---|---|"]
    return lines + [f"| {part} | {share:.1f} % |" for part, share in data["shares"].items()]


def redis_functions(data):
    facts = data["machine"]
    lines = [f"{facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}; Redis {facts['redis']}; "
             f"{facts['date']}. Load before: {data['load_before']:.1f}.", "",
             "| Grabs per call | Server time per grab that wins | per refusal | Memory per reservation |",
             "|---|---|---|---|"]
    return lines + [f"| {row['batch']} | {row['win_us']:.1f} µs | {row['refuse_us']:.1f} µs | {row['bytes']} bytes |"
                    for row in data["rows"]]


CLUSTER = [
    ("accepted", "Sluice, one node of a cluster: reserved in Redis, confirmed by RabbitMQ"),
    ("sold_out", "the same, refused as sold out"),
    ("redis_here", "nginx + Lua + Redis, all on the server core"),
    ("redis_free", "nginx + Lua + Redis, Redis free to use both cores"),
]


def behind(sample):
    return max(0, sample["accepted"] - sample["written"])


def backlog_chart(samples, width=60):
    """A line of text for each sample, its bar as long as the backlog was."""
    scale = max(1, max(behind(one) for one in samples))
    lines = [f"{one['at_ms'] / 1000:5.1f} s {behind(one):7,} {'#' * round(width * behind(one) / scale)}"
             for one in samples]
    return ["```text"] + [line.rstrip() for line in lines] + ["```"]


def backlog_shape(samples):
    """Ten columns from the first grab to the last order: what was accepted, written, and lay between."""
    seen = [one for one in samples if one["accepted"] > 0]
    most = seen[-1]["accepted"]
    end = next((n for n, one in enumerate(seen) if one["written"] >= most), len(seen) - 1)
    picked = [seen[round(n * end / 9)] for n in range(10)]
    start = samples[0]["at_ms"]
    chart = backlog_chart([one for one in samples if one["at_ms"] <= seen[end]["at_ms"]])
    lines = ["| | " + " | ".join(f"{(one['at_ms'] - start) / 1000:.1f} s" for one in picked) + " |",
             "|---|" + "---|" * len(picked)]
    rows = [("accepted", lambda one: one["accepted"]), ("written", lambda one: one["written"]),
            ("backlog", behind)]
    if "ready" in samples[0]:
        rows.append(("messages ready in the queue", lambda one: one["ready"]))
    for title, value in rows:
        lines.append(f"| {title} | " + " | ".join(f"{value(one):,}" for one in picked) + " |")
    return lines + [""] + chart


def ratio_row(title, data, name, target):
    each = data["round_ratios"][name]
    missed = sum(1 for one in each if one < target)
    return (f"| {title} | {data['ratios'][name]:.2f} | ≥ {target} | {', '.join(f'{one:.2f}' for one in each)} "
            f"| {missed} of {len(each)} |")


def cluster(data):
    facts = data["machine"]
    parts = sorted(data["parts_us"].items(), key=lambda one: -one[1])
    lines = [f"{machine(facts)} MariaDB {facts['mariadb']}, RabbitMQ {facts['rabbitmq']}.", "",
             f"{data['requests']:,} requests a round on {data['connections']} connections, {data['queues']} queues, "
             f"load before {data['load_before']:.1f}; "
             f"medians of {sum(1 for one in data['rounds'] if one['name'] == 'accepted')} interleaved rounds.", "",
             "| Server | Requests/s | CPU of node or nginx and its Redis, per request | p50 | p99 | Rounds |",
             "|---|---|---|---|---|---|"]
    for name, title in CLUSTER:
        median = data["medians"][name]
        rounds = ", ".join(f"{one['per_second'] / 1000:.1f}k" for one in data["rounds"] if one["name"] == name)
        lines.append(f"| {title} | {median['per_second']:,.0f} | {median['cpu_us']:.1f} µs | "
                     f"{median['p50_ms']:.2f} ms | {median['p99_ms']:.2f} ms | {rounds} |")
    lines += ["", "| Ratio to the better peer | Of the medians | Target | In each round | Rounds that missed |",
              "|---|---|---|---|---|",
              ratio_row("grabs accepted", data, "accepted_to_redis", 0.8),
              ratio_row("refused as sold out", data, "sold_out_to_redis", 2), "",
              "CPU per accepted grab until its order is written, all parts: "
              + ", ".join(f"{part} {cost:.1f} µs" for part, cost in parts)
              + f"; together {sum(data['parts_us'].values()):.1f} µs without the load.", "",
              f"The worker wrote {data['written_per_second']:,.0f} orders a second to MariaDB while the crowd came"
              + (f", and {data['drained_per_second']:,.0f} after it had gone." if data["drained_per_second"] else ".")]
    last = [one["backlog"] for one in data["rounds"] if "backlog" in one][-1]
    return lines + ["", "The last of these rounds, in orders:", ""] + backlog_shape(last)


def main():
    page = PAGE.read_text(encoding="utf-8")
    for name, render in {"grab": grab, "memory": memory, "profile": profile,
                         "notification": notification, "watchers": watchers,
                         "redis_functions": redis_functions,
                         "mariadb_record": mariadb_record, "cluster": cluster,
                         "cluster-classic": cluster}.items():
        source = RESULTS / f"{name}.json"
        if not source.exists():
            print(f"{source.relative_to(ROOT)} is missing; its table stays as it is")
            continue
        table = "\n".join(render(json.loads(source.read_text(encoding="utf-8"))))
        pattern = rf"(<!-- results:{name} -->\n).*?(<!-- /results:{name} -->)"
        page, count = re.subn(pattern, lambda found, table=table: found[1] + table + "\n" + found[2], page,
                              flags=re.DOTALL)
        assert count == 1, f"{PAGE.name} has no markers for {name}"
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
