"""Tokens a second of forward and backward passes for different waiting times of OpenMP threads at barriers.

    .venv/bin/python benchmarks/thread_waiting.py [--seconds 6]

Start something busy beside it to see the other side of the choice in `kifabrik.core.waiting`.
"""

import argparse
import os
import subprocess
import sys

MEASURE = """
import sys, time, torch
from transformers import LlamaConfig, LlamaForCausalLM
torch.set_num_threads(2)
sizes = dict(vocab_size=2048, hidden_size=128, intermediate_size=344, num_hidden_layers=4, num_attention_heads=4)
model = LlamaForCausalLM(LlamaConfig(**sizes, max_position_embeddings=256, tie_word_embeddings=True))
rows = torch.randint(0, 2048, (4, 256))
def step():
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(input_ids=rows, labels=rows).loss
    loss.backward()
step()
begun, steps = time.monotonic(), 0
while time.monotonic() - begun < float(sys.argv[1]):
    step()
    steps += 1
print(round(steps * rows.numel() / (time.monotonic() - begun)))
"""


def main() -> None:
    """Print one line for each waiting time, two rounds of all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=6)
    seconds = str(parser.parse_args().seconds)
    for _ in range(2):
        for turns in (0, 500, 2000, 10_000):
            environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": str(turns)}
            command = [sys.executable, "-c", MEASURE, seconds]
            result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            print(f"{turns:>6} turns: {result.stdout.strip()} tokens a second")


if __name__ == "__main__":
    main()
