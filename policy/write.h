/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of a policy set as text of the language: what is in force of them. */
#pragma once

#include <stdio.h>

#include "policy.h"

/*
 * Prints a rule as one JSON object: lists are expanded, names of accounts are numbers, adjustments are made; a
 * profile's rule is one with "unless". A policy of what is printed compiles to the same tables, but that a
 * rule about accounts that nobody has is printed with an empty list, which no policy can have.
 */
void bl_rule_write(const struct bl_rule *rule, FILE *out);
