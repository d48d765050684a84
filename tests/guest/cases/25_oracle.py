# SPDX-License-Identifier: Apache-2.0
"""Random policies, real processes, real objects: what becomes of each access is what the reference interpreter
says (tests/oracle). REAL_POLICIES and REAL_DEEDS make it more of them."""

import os

import real

POLICIES = int(os.environ.get("REAL_POLICIES", "4"))
DEEDS = int(os.environ.get("REAL_DEEDS", "500"))
SEED = os.environ.get("REAL_SEED", "1")
SHOWN = 10


def test_random_policies_and_processes(g):
    stage = real.Stage(g)
    world = real.World(SEED)
    try:
        world.set_up(stage)
        for i in range(POLICIES):
            wrong = real.run_policy(g, stage, world, f"{SEED}/{i}", DEEDS)
            assert not wrong, f"{len(wrong)} of {DEEDS} are not what the oracle says:\n" + "\n".join(wrong[:SHOWN])
    finally:
        stage.close()
        world.clean(stage)
