"""Are the model files what they claim to be: the recorded bytes, no code, sound headers, finite weights?"""

import json

import safetensors
import torch

from kifabrik.core import digests, model_files
from kifabrik.evaluation.subject import Outcome, Subject, Test
from kifabrik.records.evaluation_report import Verdict


def run(subject: Subject) -> Outcome:
    """Compare the folder with its digest, its kinds of files with the allow-list, and look at every weight."""
    folder = subject.model_folder
    listing = digests.digest_files(folder)
    faults = [f"{finding.where} {finding.message}" for finding in model_files.check(folder)]
    if digests.digest_listing(listing) != subject.model_digest:
        faults.append("the files are not those that the digest names.")
    if not faults:
        faults = [*_weight_faults(subject), *_configuration_faults(subject)]
    verdict = Verdict.RED if faults else Verdict.GREEN
    reason = faults[0] if faults else f"All {len(listing)} files are as recorded; every weight is a finite number."
    details: dict[str, float | str] = {f"fault_{number}": fault for number, fault in enumerate(faults[:10], start=1)}
    return Outcome(verdict=verdict, reason=reason, n=len(listing), statistic=float(len(faults)), details=details)


def _weight_faults(subject: Subject) -> list[str]:
    faults = []
    for path in sorted(subject.model_folder.rglob(f"*{model_files.WEIGHTS_SUFFIX}")):
        with safetensors.safe_open(path, framework="pt") as weights:
            faults += [
                f"{path.name}: {name} holds a weight that is not a finite number."
                for name in weights.keys()  # noqa: SIM118 - the reader is no mapping and cannot be walked itself
                if not bool(torch.isfinite(weights.get_tensor(name)).all())
            ]
    return faults


def _configuration_faults(subject: Subject) -> list[str]:
    configuration = json.loads((subject.model_folder / "config.json").read_bytes())
    faults = []
    if "auto_map" in configuration:
        faults.append("config.json asks for code of its own.")
    if subject.tokenizer.get_vocab_size() > int(configuration["vocab_size"]):
        faults.append("the tokenizer knows more tokens than the model.")
    return faults


TEST = Test(
    name="integrity",
    title="The model files are what they claim to be",
    version=1,
    unit="faults",
    threshold="any deviation is red",
    reference="G1: digests, allow-list of formats, safetensors header limits, finite weights",
    run=run,
)
