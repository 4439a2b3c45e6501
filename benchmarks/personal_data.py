"""Speed, recall and precision of the detectors, and of Presidio and datatrove on the same documents.

    .venv/bin/python -m benchmarks.personal_data [--set development|held-out] [--megabytes 30] [--peers PYTHON]
        [--peer-megabytes 1.5] [--engine auto|hyperscan|re2|re] [--misses 10] [--clean]

Seconds are CPU seconds of one process, the best of three runs for Kifabrik and one run for the slow peers.
"""

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from benchmarks import corpus_base, corpus_development, corpus_held_out
from benchmarks.corpus_base import Planted, Text

from kifabrik.datasets.detectors.passes import compile_rules, find_hits
from kifabrik.datasets.detectors.rule import Sheet
from kifabrik.datasets.detectors.scanner import Scanner
from kifabrik.datasets.detectors.table import RULES

Found = list[tuple[str, int, int]]
Figures = tuple[float, int, float, int]  # recall, planted values, precision, hits
FOUR_KINDS = {"email", "iban", "payment-card", "ip-address"}
PEERS = ("presidio-four", "presidio-eu", "datatrove")
_COVER = 0.8  # a hit counts when it covers this share of the value and little else


def scan(scanner: Scanner, texts: list[Text], *, with_languages: bool) -> tuple[float, list[Found]]:
    """Scan all texts as the dataset check does; gives the best CPU seconds and what was found."""
    names = [text.text for text in texts]
    codes, tongues = [text.is_code for text in texts], [text.language for text in texts]
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        hits = scanner.scan(names, is_code=codes, languages=tongues if with_languages else None)
        best = min(best, time.process_time() - begun)
    return best, [[(hit.kind, hit.start, hit.end) for hit in each if not hit.is_example] for each in hits]


def time_four_kinds(texts: list[Text]) -> float:
    """Give the best CPU seconds for the four kinds that Presidio checks by checksum or structure, and no others."""
    programme = compile_rules([rule for rule in RULES if rule.kind in FOUR_KINDS], "auto")
    names = [text.text for text in texts]

    def make_sheet(number: int) -> Sheet:
        return Sheet(names[number], texts[number].is_code, texts[number].language, 2)

    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        find_hits(programme, names, make_sheet)
        best = min(best, time.process_time() - begun)
    return best


def run_peer(python: str, peer: str, texts: list[Text]) -> tuple[float, list[Found]]:
    """Run a peer in its own environment on the same texts."""
    with tempfile.TemporaryDirectory() as folder:
        documents, out = Path(folder, "documents.jsonl"), Path(folder, "out.json")
        documents.write_text("\n".join(json.dumps(text.text) for text in texts))
        script = Path(__file__).with_name("personal_data_peers.py")
        subprocess.run([python, str(script), peer, str(documents), str(out)], check=True, stderr=subprocess.DEVNULL)
        result = json.loads(out.read_text())
    return result["cpu_seconds"], [[tuple(each) for each in found] for found in result["found"]]


def covers(found: tuple[str, int, int], planted: Planted) -> bool:
    """Say whether a hit is that value: same kind, and most of it."""
    shared = min(found[2], planted.end) - max(found[1], planted.start)
    longest = max(found[2] - found[1], planted.end - planted.start)
    return found[0] == planted.kind and shared >= _COVER * longest


def judge(
    texts: list[Text], found: list[Found]
) -> tuple[dict[str, tuple[float, int, float, int]], list[str], list[str]]:
    """Give recall and precision by group, the misses, and the hits that hit nothing."""
    planted_by, caught_by, right_by, hits_by = Counter(), Counter(), Counter(), Counter()
    misses, alarms = [], []
    for text, hits in zip(texts, found, strict=True):
        for planted in text.planted:
            caught = any(covers(hit, planted) for hit in hits)
            for group in groups_of(text, planted):
                planted_by[group] += 1
                caught_by[group] += caught
            if not caught:
                misses.append(
                    f"{planted.kind} {planted.country} {text.text[max(0, planted.start - 30) : planted.end + 10]!r}"
                )
        for hit in hits:
            right = any(covers(hit, planted) for planted in text.planted)
            hits_by[hit[0]] += 1
            right_by[hit[0]] += right
            if not right:
                alarms.append(f"{hit[0]} {text.text[max(0, hit[1] - 30) : hit[2] + 10]!r}")
    figures = {}
    for group in sorted(planted_by):
        kind = group.split(",")[0]
        precision = right_by[kind] / hits_by[kind] if hits_by[kind] else float("nan")
        figures[group] = (caught_by[group] / planted_by[group], planted_by[group], precision, hits_by[kind])
    return figures, misses, alarms


def groups_of(text: Text, planted: Planted) -> list[str]:
    """Name the groups in which a value counts."""
    groups = [planted.kind]
    if planted.kind == "phone":
        groups.append("phone,international" if is_international(text, planted) else "phone,national")
        if not is_international(text, planted):
            groups.append(f"phone,national in {'code' if text.is_code else 'prose'}")
    if planted.kind == "national-id" and planted.has_word:
        groups.append("national-id,with a word")
    return groups


def is_international(text: Text, planted: Planted) -> bool:
    """Say whether a telephone number begins with + or 00."""
    return text.text.startswith(("+", "00"), planted.start)


def report(name: str, seconds: float, texts: list[Text], found: list[Found], show: int) -> None:
    """Print one tool's lines."""
    megabytes = sum(len(text.text.encode()) for text in texts) / 1e6
    print(f"\n{name}: {megabytes:.1f} MB in {seconds:.2f} CPU s = {megabytes / seconds:.2f} MB/s")
    figures, misses, alarms = judge(texts, found)
    for group, (recall, count, precision, hits) in figures.items():
        print(f"  {group:32} recall {recall:.3f} of {count:5}   precision {precision:.3f} of {hits}")
    by_kind: dict[str, int] = defaultdict(int)
    for alarm in alarms:
        by_kind[alarm.split(" ")[0]] += 1
    a_megabyte = {kind: round(count / megabytes, 2) for kind, count in by_kind.items()}
    print(f"  hits that hit nothing planted, a MB: {a_megabyte}")
    for title, lines in (("miss", misses), ("alarm", alarms)):
        for line in random.Random(1).sample(lines, min(show, len(lines))):
            print(f"    {title}: {line}")


def count_alarms(texts: list[Text]) -> None:
    """Print what the default tiers find in texts in which nothing was planted; some of it is real."""
    scanner = Scanner()
    for name, chosen in (("code", [t for t in texts if t.is_code]), ("prose", [t for t in texts if not t.is_code])):
        seconds, found = scan(scanner, chosen, with_languages=True)
        megabytes = sum(len(text.text.encode()) for text in chosen) / 1e6
        kinds = Counter(hit[0] for hits in found for hit in hits)
        a_megabyte = {kind: round(count / megabytes, 2) for kind, count in kinds.items()}
        print(f"{name}: {kinds.total() / megabytes:.2f} findings a MB without planting {a_megabyte},", end=" ")
        print(f"{megabytes:.0f} MB at {megabytes / seconds:.0f} MB/s")


def main() -> None:
    """Print the figures of one set."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", choices=["development", "held-out"], default="development")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--megabytes", type=float, default=30)
    parser.add_argument("--peers", help="a Python with presidio-analyzer and datatrove")
    parser.add_argument("--peer-megabytes", type=float, default=1.5)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--misses", type=int, default=0)
    parser.add_argument("--clean", action="store_true", help="count findings where nothing was planted")
    options = parser.parse_args()
    if options.clean:
        base = corpus_base.development if options.set == "development" else corpus_base.held_out
        count_alarms(base(options.seed, int(options.megabytes * 1e6)))
        return
    maker = corpus_development if options.set == "development" else corpus_held_out
    texts = maker.make(options.seed, int(options.megabytes * 1e6))
    for tiers in (2, 1):
        for with_languages in (True, False):
            scanner = Scanner(options.engine, tiers_min=tiers)
            name = (
                f"Kifabrik, tiers from {tiers}, languages {'known' if with_languages else 'unknown'}, {scanner.engine}"
            )
            seconds, found = scan(scanner, texts, with_languages=with_languages)
            show = options.misses if with_languages and options.set == "development" else 0
            report(name, seconds, texts, found, show)
    if options.peers:
        few, size = [], 0
        while size < options.peer_megabytes * 1e6 and len(few) < len(texts):
            few.append(texts[len(few)])
            size += len(few[-1].text.encode())
        seconds, found = scan(Scanner(options.engine), few, with_languages=True)
        report("Kifabrik on the documents of the peers", seconds, few, found, 0)
        four = time_four_kinds(few)
        print(f"\nKifabrik with the four kinds of presidio-four alone: {four:.3f} CPU s")
        for peer in PEERS:
            peer_seconds, found = run_peer(options.peers, peer, few)
            times = f"Kifabrik is {peer_seconds / seconds:.1f} times as fast"
            if peer == "presidio-four":
                times += f", {peer_seconds / four:.1f} times with the same four kinds"
            report(f"{peer} ({times})", peer_seconds, few, found, 0)


if __name__ == "__main__":
    main()
