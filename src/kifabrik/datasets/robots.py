"""Reads robots.txt as RFC 9309 says, and ai.txt, which is written alike. Knows rules, not which crawlers matter.

A file is the work of strangers: what is too long is cut where the RFC allows, and no rule can cost more than linear
time, because patterns are matched by finding their pieces one after the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

BYTES_MAX = 512 * 1024  # RFC 9309 section 2.5: at least 500 KiB must be parsed
_RULES_MAX = 100_000  # a rule of a group of a hundred agents counts a hundred times


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a group: whether paths that match may be fetched."""

    pattern: str
    allows: bool

    def matches(self, path: str) -> bool:
        """Say whether a path matches; `*` stands for any letters, `$` at the end for the end."""
        pattern, anchored = (self.pattern[:-1], True) if self.pattern.endswith("$") else (self.pattern, False)
        first, *rest = pattern.split("*")
        if not path.startswith(first):
            return False
        if not rest:
            return not anchored or path == first
        at = len(first)
        for piece in rest[:-1]:
            found = path.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        last = rest[-1]
        if anchored:
            return len(path) - len(last) >= at and path.endswith(last)
        return path.find(last, at) >= 0


@dataclass(slots=True)
class Robots:
    """All groups of a file, by the user agent in small letters."""

    groups: dict[str, list[Rule]] = field(default_factory=dict)

    def group_of(self, agent: str) -> tuple[Rule, ...]:
        """Give the rules that a user agent obeys: those of its own group, else those of the group `*`."""
        return tuple(self.groups.get(agent.lower(), self.groups.get("*", ())))

    def allows(self, agent: str, path: str) -> bool:
        """Say whether a user agent may fetch a path; without any rule everything may be fetched."""
        return allows(self.group_of(agent), path)


def allows(rules: Iterable[Rule], path: str) -> bool:
    """Say whether one group of rules lets a path be fetched: the longest matching rule wins, Allow on a tie."""
    best = Rule("", allows=True)
    for rule in rules:
        weight = (len(rule.pattern), rule.allows)
        if rule.pattern and weight > (len(best.pattern), best.allows) and rule.matches(path):
            best = rule
    return best.allows


def parse(data: bytes) -> Robots:
    """Read the groups of a file; lines that are no rule are passed over, as the RFC says."""
    robots = Robots()
    agents: list[str] = []
    in_rules, rules = False, 0
    for name, value in _read_lines(data):
        if name == "user-agent":
            if in_rules:
                agents, in_rules = [], False
            agent = value.lower().partition("/")[0].strip()
            agents.append(agent)
            robots.groups.setdefault(agent, [])
        elif name in {"allow", "disallow"}:
            in_rules = True
            rules += len(agents)
            if rules > _RULES_MAX:
                break
            for agent in agents:
                robots.groups[agent].append(Rule(value, allows=name == "allow"))
    return robots


def _read_lines(data: bytes) -> Iterable[tuple[str, str]]:
    for line in data[:BYTES_MAX].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield name.strip().lower(), value.strip()[:2_000]
