/* SPDX-License-Identifier: Apache-2.0 */
/* Writing OpenMetrics text. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <string.h>

#include "openmetrics.h"

#define WHOLE_MAX 9e18 /* fits a long long */

static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*text == '\\' || *text == '"')
			fputc('\\', out);
		fputc(*text, out);
	}
}

void bl_metrics_family(struct bl_metrics *metrics, const char *name, const char *type,
		       const char *help)
{
	metrics->family = name;
	metrics->suffix = strcmp(type, "counter") == 0 ? "_total" : "";
	fprintf(metrics->out, "# TYPE bailiff_%s %s\n# HELP bailiff_%s ", name, type, name);
	put_escaped(metrics->out, help);
	fputc('\n', metrics->out);
}

static void put_value(FILE *out, double value)
{
	if (value > -WHOLE_MAX && value < WHOLE_MAX && value == (double)(long long)value)
		fprintf(out, " %lld\n", (long long)value);
	else
		fprintf(out, " %.15g\n", value);
}

void bl_metrics_sample(struct bl_metrics *metrics, double value, ...)
{
	const char *comma = "{", *name;
	va_list labels;

	fprintf(metrics->out, "bailiff_%s%s", metrics->family, metrics->suffix);
	va_start(labels, value);
	while ((name = va_arg(labels, const char *)) != NULL) {
		fprintf(metrics->out, "%s%s=\"", comma, name);
		put_escaped(metrics->out, va_arg(labels, const char *));
		fputc('"', metrics->out);
		comma = ",";
	}
	va_end(labels);
	if (*comma == ',')
		fputc('}', metrics->out);
	put_value(metrics->out, value);
}

void bl_metrics_end(struct bl_metrics *metrics)
{
	fputs("# EOF\n", metrics->out);
}
