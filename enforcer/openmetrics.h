/* SPDX-License-Identifier: Apache-2.0 */
/* Writing OpenMetrics text (openmetrics.io, 1.0), which Prometheus' older parsers read as well. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/*
 * A family's head: its samples follow. type is "counter" or "gauge"; others, such as "info", are no types to older
 * parsers. The names of a counter's samples end with _total.
 */
struct bl_metrics {
	FILE *out;
	const char *family; /* without the prefix "bailiff_" */
	const char *suffix; /* "_total" or "" */
};

void bl_metrics_family(struct bl_metrics *metrics, const char *name, const char *type,
		       const char *help);

/* Labels are pairs of name and value, NULL at the end; values may have any valid UTF-8. */
void bl_metrics_sample(struct bl_metrics *metrics, double value, ...) __attribute__((sentinel));

/* The last line. */
void bl_metrics_end(struct bl_metrics *metrics);
