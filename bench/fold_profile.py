"""Adds up the stacks that `perf script` prints on standard input by part of the server.

    perf script -F comm,ip,sym,dso | fold_profile.py OUT.json OUT.txt

A stack counts for the first rule that matches any of its frames, looked at from the leaf up: a copy
inside SQLite is SQLite's, a copy inside a system call the kernel's.
"""
import collections
import json
import sys

# (part, words of which one occurs in a frame's symbol or library), the more specific first.
RULES = [
    ("kernel: file system and disk", ["fdatasync", "fsync", "ext4_", "xfs_", "btrfs_", "jbd2", "vfs_write", "pwrite",
                             "do_pwrite", "blk_", "submit_bio", "virtio_blk", "nvme_", "generic_perform_write"]),
    ("kernel: network", ["tcp_", "inet_", "sock_", "__sys_send", "__sys_recv", "sys_sendmsg", "sys_recvmsg",
                 "sys_sendto", "sys_recvfrom", "__x64_sys_writev", "net_rx_action", "skb_"]),
    ("kernel: waiting and waking", ["epoll", "futex", "schedule", "eventfd", "wake_up", "do_nanosleep"]),
    ("SQLite", ["libsqlite3", "sqlite3"]),
    ("token: HMAC and base64", ["HmacSha256", "sha256_block", "SHA256", "libcrypto", "TokenVerifier", "base64url",
                       "token_json"]),
    ("request parser", ["RequestParser", "http::Router"]),
    ("core", ["sluice::sale::"]),
    ("record: rows and hash chain", ["sluice::store::"]),
    ("engine: queue, view, answers", ["sluice::engine::"]),
    ("API: bodies and JSON", ["JsonWriter", "sluice::api::", "write_rfc3339"]),
    ("HTTP sessions and event loop", ["sluice::http::", "boost::asio"]),
]


def part_of(frames):
    for frame in frames:
        for part, words in RULES:
            if any(word in frame for word in words):
                return part
    if frames and "[kernel" in frames[0]:
        return "kernel: other"
    return "allocation, copies and the rest"


def stacks(lines):
    frames = []
    for line in lines:
        line = line.rstrip()
        if not line:
            if frames:
                yield frames
            frames = []
        elif line[0] in " \t":
            words = line.split(None, 1)
            frames.append(words[1] if len(words) > 1 else "")
    if frames:
        yield frames


def main():
    parts, leaves = collections.Counter(), collections.Counter()
    for frames in stacks(sys.stdin):
        parts[part_of(frames)] += 1
        leaves[frames[0]] += 1
    total = sum(parts.values())
    if total == 0:
        sys.exit("fold_profile: perf recorded no sample")
    shares = {part: round(100 * count / total, 1) for part, count in parts.most_common()}
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump({"samples": total, "shares": shares}, out, indent=2)
        out.write("\n")
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        for leaf, count in leaves.most_common(60):
            out.write(f"{100 * count / total:6.2f} %  {leaf}\n")
    for part, share in shares.items():
        print(f"    {share:5.1f} %  {part}")


if __name__ == "__main__":
    main()
