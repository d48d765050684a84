/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations for people and for programs. */
#pragma once

#include "build.h"
#include "explain.h"
#include "explain_event.h"
#include "tool.h"

/* All that is told. Nothing is owned. */
struct bl_shown_explanation {
	const char *access; /* in words */
	const char *real;   /* where the links in the object's path lead; NULL: there are none */
	const struct bl_policy *policy;
	const struct bl_query *query;
	const struct bl_explanation *explanation;
	const struct bl_told *told; /* NULL: it is about no event */
	bool same_policy;	    /* as the event's */
	bool monitor; /* bailiff.conf lets nothing be refused */
};

/* Each prints to stdout. Returns 0, -ENOMEM or -EIO. */
int bl_explanation_print(const struct bl_tool *tool, const struct bl_shown_explanation *shown);
int bl_explanation_print_json(const struct bl_shown_explanation *shown);
