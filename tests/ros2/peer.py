"""What the peers share: arguments, lines of JSON on stdout, an end when stdin ends."""

import argparse
import json
import sys
import threading


def arguments(*more):
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="peer")
    parser.add_argument("--topic", default="/points")
    parser.add_argument("--reliability", default="reliable", choices=["reliable", "best_effort"])
    parser.add_argument("--durability", default="volatile", choices=["volatile", "transient_local"])
    parser.add_argument("--depth", type=int, default=10)
    for name, kind, default in more:
        parser.add_argument(f"--{name}", type=kind, default=default)
    return parser.parse_args()


lines = threading.Lock()


def say(**what):
    with lines:
        print(json.dumps(what), flush=True)


def at_end(end):
    """Calls `end` when stdin ends: a parent that dies takes its peers along."""

    def wait():
        sys.stdin.read()
        end()

    threading.Thread(target=wait, daemon=True).start()


def same(message, expected):
    """Whether two messages are the same behind the encapsulation header, of which the last two bytes are the sender's.

    Up to three bytes of padding may follow.
    """
    return message[4 : len(expected)] == expected[4:] and 0 <= len(message) - len(expected) < 4
