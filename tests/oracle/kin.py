# SPDX-License-Identifier: Apache-2.0
"""Where the subjects of random accesses come from."""

KIN_MAX = 8  # of one access, see decide.h


def add(generator, access, by):
    """Most often from nowhere that matters, or from what is asked for."""
    if generator.chance(40):
        access.parent = generator.path_from(by.parent if by else None)
    while len(access.ancestors) < KIN_MAX and generator.chance(45):
        access.ancestors += (generator.path_from(by.ancestor if by else None),)
    access.kin_unknown = generator.chance(5)
