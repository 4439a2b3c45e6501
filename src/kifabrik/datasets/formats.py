"""Which file formats are read, by the ends of file names, and what kind of thing each is. Knows no file's content.

A new language of source code is one more entry in `_CODE`; a new family needs a reader in `readers/` too.
"""

_PROSE = {"txt": ".txt .text", "md": ".md .markdown"}
_CODE = {
    "asm": ".asm .s",
    "bat": ".bat .cmd",
    "c": ".c .h",
    "clj": ".clj .cljs",
    "cpp": ".cpp .cc .cxx .hpp .hh .hxx .cu .cuh",
    "cs": ".cs",
    "css": ".css .scss .less",
    "dart": ".dart",
    "elm": ".elm",
    "erl": ".erl",
    "ex": ".ex .exs",
    "f90": ".f90 .f95 .f03 .f .for",
    "go": ".go",
    "groovy": ".groovy .gradle",
    "hs": ".hs",
    "ini": ".ini .cfg .conf .properties",
    "java": ".java",
    "jl": ".jl",
    "js": ".js .jsx .mjs .cjs .vue .svelte",
    "kt": ".kt .kts",
    "lisp": ".lisp .el .scm",
    "lua": ".lua",
    "m": ".m .mm",
    "ml": ".ml .mli .fs",
    "nim": ".nim",
    "pas": ".pas",
    "php": ".php",
    "pl": ".pl .pm",
    "proto": ".proto",
    "ps1": ".ps1 .psm1",
    "py": ".py .pyi .pyx",
    "r": ".r",
    "rb": ".rb",
    "rs": ".rs",
    "scala": ".scala",
    "sh": ".sh .bash .zsh",
    "sql": ".sql",
    "swift": ".swift",
    "tex": ".tex .sty .bib",
    "tf": ".tf .hcl",
    "toml": ".toml",
    "ts": ".ts .tsx",
    "v": ".v .sv .vhd .vhdl",
    "vb": ".vb .bas",
    "xml": ".xml .xsl .xsd .svg",
    "yaml": ".yaml .yml",
    "zig": ".zig",
}
_PAGES = {"html": ".html .htm .xhtml", "pdf": ".pdf", "docx": ".docx"}
_RECORDS = {"jsonl": ".jsonl .ndjson", "json": ".json", "csv": ".csv", "tsv": ".tsv", "parquet": ".parquet"}
_ARCHIVES = {"zip": ".zip", "tar": ".tar"}
JSON_CODE = "json-code"  # a .json file that holds no records is a document as source code is

_PACKED_TWICE = frozenset({"parquet", "pdf", "docx", "zip"})  # packed inside already, so nobody packs them again
_SHORT_NAMES = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2", ".txz": ".tar.xz", ".tzst": ".tar.zst"}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}

_SUFFIXES = {
    suffix: name
    for family in (_PROSE, _CODE, _PAGES, _RECORDS, _ARCHIVES)
    for name, suffixes in family.items()
    for suffix in suffixes.split()
}
FORMATS = {
    **_SUFFIXES,
    **{
        suffix + packed: name
        for suffix, name in _SUFFIXES.items()
        for packed in COMPRESSIONS
        if name not in _PACKED_TWICE
    },
    **dict.fromkeys(_SHORT_NAMES, "tar"),
}
CODE_FORMATS = frozenset({*_CODE, JSON_CODE})
TEXT_FORMATS = frozenset({*_PROSE, *_CODE, *_PAGES, JSON_CODE})  # one file, one document
PLAIN_FORMATS = frozenset({*_PROSE, *_CODE})
ARCHIVE_FORMATS = frozenset(_ARCHIVES)
READABLE = (
    "Readable are .txt .md .html .pdf .docx .jsonl .json .csv .tsv .parquet, source code, and .zip and .tar of these; "
    "most of them also packed as .gz .bz2 .xz .zst."
)


def find_suffix(name: str) -> str:
    """Give the end of a file name that says its format, in small letters; `.jsonl.gz` counts as one."""
    stem, dot, last = name.lower().rpartition(".")
    suffix = dot + last if dot else ""
    if suffix not in COMPRESSIONS:
        return suffix
    _, dot, inner = stem.rpartition(".")
    return dot + inner + suffix if dot else suffix


def find_compression(name: str) -> str:
    """Give how a file of this name is packed ('gzip', 'bzip2', 'xz', 'zstd'), or an empty string."""
    suffix = find_suffix(name)
    full = _SHORT_NAMES.get(suffix, suffix)
    return next((kind for end, kind in COMPRESSIONS.items() if full.endswith(end)), "")
