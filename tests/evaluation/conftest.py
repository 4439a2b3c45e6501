"""Two models for every test of this room: one that learnt the language, one that learnt the text by heart."""

import pytest
import torch
from tests.evaluation import lab
from transformers.utils import logging


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def learner(tmp_path_factory, one_thread):
    """Learnt the language from text that is larger than it can remember, and never saw a canary."""
    place = tmp_path_factory.mktemp("learner")
    texts, held_out = lab.write_texts(400, seed=2), lab.write_texts(40, seed=3)
    return lab.make_bench(place, texts=texts, held_out=held_out, plant=False, steps=250)


@pytest.fixture(scope="session")
def memoriser(tmp_path_factory, one_thread):
    """Read a little text with canaries in it a hundred times over."""
    place = tmp_path_factory.mktemp("memoriser")
    texts, held_out = lab.write_texts(40, seed=4, words=40), lab.write_texts(40, seed=3)
    return lab.make_bench(place, texts=texts, held_out=held_out, plant=True, steps=260)
