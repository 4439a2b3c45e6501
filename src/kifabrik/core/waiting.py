"""How threads of numerical libraries wait for each other. Must be asked for before such a library is loaded."""

import os

# Turns of a waiting loop. Measured with a decoder of one million weights on two cores, tokens a second: none 8,700
# (7,000 with a core busy elsewhere), 2,000 turns 11,800 (5,200), 10,000 turns 13,600 (2,600).
SPIN_TURNS = 2000


def let_threads_sleep() -> None:
    """Let OpenMP threads spin only shortly at barriers before they sleep, unless the environment says otherwise.

    On a machine whose cores are shared, spinning threads hold the core that the thread they wait for needs.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPIN_TURNS))
