/* SPDX-License-Identifier: Apache-2.0 */
/* A report as one page of HTML that loads nothing and runs nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base.h"
#include "page.h"
#include "sha256.h"

#define US_PER_S    1000000
#define ROWS_MAX    500
#define TREE_MAX    2000
#define CHART_WIDTH  960
#define CHART_HEIGHT 160

/* Named in the page's own policy by its digest: no other style is taken, and no script at all. */
static const char style[] =
	"body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;"
	"color:#1a1a1a;background:#fff}"
	"h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em;border-bottom:1px solid #ccc}"
	"table{border-collapse:collapse;width:100%}"
	"th,td{text-align:left;vertical-align:top;padding:.2em .6em;border-bottom:1px solid #ddd;"
	"overflow-wrap:anywhere}"
	"th{background:#f2f2f2}td.n{text-align:right;white-space:nowrap}"
	"code{font:13px ui-monospace,monospace;unicode-bidi:isolate;overflow-wrap:anywhere}"
	".refused{color:#a40000}.would{color:#8a5a00}.alert{color:#00549e}"
	"svg .refused{fill:#c4342f}svg .would{fill:#d99a1c}svg .alert{fill:#3b7dd8}"
	"svg{width:100%;height:auto;background:#fafafa;border:1px solid #ddd}"
	"svg text{font:11px sans-serif;fill:#444}"
	"ul{list-style:none;padding-left:1.2em;border-left:1px solid #ddd}summary{cursor:pointer}"
	".bad{color:#a40000;font-weight:bold}.quiet{color:#666}"
	"@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}th{background:#262626}"
	"svg{background:#1c1c1c}svg text{fill:#bbb}.refused{color:#ff8a80}.would{color:#ffc766}"
	".alert{color:#82b7ff}.bad{color:#ff8a80}}";

static const struct {
	const char *class, *words;
} kinds[_BL_PAGE_KINDS] = {
	[BL_PAGE_REFUSED] = { "refused", "refused" },
	[BL_PAGE_WOULD] = { "would", "would have been refused" },
	[BL_PAGE_ALERT] = { "alert", "only reported" },
};

/* ---- text --------------------------------------------------------------------------------- */

/* Anything, as the text of an element or of an attribute in quotes. */
static void put(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void put_code(FILE *out, const char *text)
{
	fputs("<code>", out);
	put(out, text);
	fputs("</code>", out);
}

static void put_time(FILE *out, uint64_t us)
{
	time_t seconds = (time_t)(us / US_PER_S);
	struct tm tm;
	char text[64];

	if (gmtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%F %T", &tm))
		fputs(text, out);
}

static void put_base64(FILE *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t group = (uint32_t)bytes[i] << 16 |
				 (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				 (left > 2 ? bytes[i + 2] : 0);

		fputc(digits[group >> 18], out);
		fputc(digits[group >> 12 & 63], out);
		fputc(left > 1 ? digits[group >> 6 & 63] : '=', out);
		fputc(left > 2 ? digits[group & 63] : '=', out);
	}
}

/* ---- head --------------------------------------------------------------------------------- */

static void put_head(FILE *out, const struct bl_page *page)
{
	uint8_t digest[BL_SHA256_BYTES];
	struct bl_sha256 sha;

	bl_sha256_init(&sha);
	bl_sha256_add(&sha, style, strlen(style));
	bl_sha256_end(&sha, digest);
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'sha256-",
	      out);
	put_base64(out, digest, sizeof(digest));
	fputs("'; base-uri 'none'; form-action 'none'\">\n"
	      "<meta name=\"referrer\" content=\"no-referrer\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
	      "bailiff on ",
	      out);
	put(out, page->host);
	fprintf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n", style);
}

static void put_span(FILE *out, uint64_t from_us, uint64_t to_us)
{
	put_time(out, from_us);
	fputs(" to ", out);
	put_time(out, to_us);
	fputs(" UTC", out);
}

static void put_title(FILE *out, const struct bl_page *page)
{
	fputs("<h1>bailiff on ", out);
	put(out, page->host);
	fputs("</h1>\n<p>", out);
	if (page->events)
		put_span(out, page->from_us, page->to_us);
	else
		fputs("No events", out);
	if (page->asked_from_us || page->asked_to_us) {
		fputs(" <span class=\"quiet\">(asked for: ", out);
		if (page->asked_from_us) {
			fputs("since ", out);
			put_time(out, page->asked_from_us);
		}
		if (page->asked_to_us) {
			fputs(page->asked_from_us ? ", until " : "until ", out);
			put_time(out, page->asked_to_us);
		}
		fputs(" UTC)</span>", out);
	}
	fprintf(out, ". %" PRIu64 " events:", page->events);
	for (unsigned int i = 0; i < _BL_PAGE_KINDS; i++)
		fprintf(out, "%s <span class=\"%s\">%" PRIu64 " %s</span>", i ? "," : "",
			kinds[i].class, page->times[i], kinds[i].words);
	fputs(".</p>\n", out);
}

/* ---- timeline ----------------------------------------------------------------------------- */

static uint64_t bucket_sum(const struct bl_page *page, size_t at)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < _BL_PAGE_KINDS; i++)
		sum += page->buckets[at][i];
	return sum;
}

static void put_bucket(FILE *out, const struct bl_page *page, size_t at, uint64_t highest)
{
	const double width = (double)CHART_WIDTH / BL_PAGE_BUCKETS;
	const uint64_t span = page->to_us - page->from_us + 1;
	double top = CHART_HEIGHT;

	fputs("<g><title>", out);
	put_time(out, page->from_us + (uint64_t)((double)span * (double)at / BL_PAGE_BUCKETS));
	fputs(" UTC:", out);
	for (unsigned int i = 0; i < _BL_PAGE_KINDS; i++)
		fprintf(out, " %" PRIu64 " %s%s", page->buckets[at][i], kinds[i].words,
			i + 1 < _BL_PAGE_KINDS ? "," : "");
	fputs("</title>", out);
	for (unsigned int i = 0; i < _BL_PAGE_KINDS; i++) {
		double height = (double)page->buckets[at][i] / (double)highest * CHART_HEIGHT;

		if (!page->buckets[at][i])
			continue;
		top -= height;
		fprintf(out,
			"<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
			"height=\"%.2f\"></rect>",
			kinds[i].class, (double)at * width, top, width - 1, height);
	}
	fputs("</g>\n", out);
}

static void put_timeline(FILE *out, const struct bl_page *page)
{
	uint64_t highest = 0;

	fputs("<h2>When</h2>\n", out);
	for (size_t i = 0; i < BL_PAGE_BUCKETS; i++)
		highest = BL_MAX(highest, bucket_sum(page, i));
	if (!highest) {
		fputs("<p class=\"quiet\">Nothing.</p>\n", out);
		return;
	}
	fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"events over time\">\n",
		CHART_WIDTH, CHART_HEIGHT + 20);
	for (size_t i = 0; i < BL_PAGE_BUCKETS; i++) {
		if (bucket_sum(page, i))
			put_bucket(out, page, i, highest);
	}
	fprintf(out, "<text x=\"2\" y=\"%d\">", CHART_HEIGHT + 15);
	put_time(out, page->from_us);
	fprintf(out, "</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">", CHART_WIDTH - 2,
		CHART_HEIGHT + 15);
	put_time(out, page->to_us);
	fprintf(out, "</text><text x=\"2\" y=\"12\">%" PRIu64 "</text>\n</svg>\n", highest);
}

/* ---- tables ------------------------------------------------------------------------------- */

static const char *class_of(const char *verdict)
{
	if (strcmp(verdict, "alert") == 0)
		return kinds[BL_PAGE_ALERT].class;
	return strncmp(verdict, "would", 5) == 0 ? kinds[BL_PAGE_WOULD].class :
						   kinds[BL_PAGE_REFUSED].class;
}

static void put_header(FILE *out, const char *const *names, size_t n)
{
	fputs("<table>\n<thead><tr>", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "<th>%s</th>", names[i]);
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void put_rest(FILE *out, const struct bl_tally *tally)
{
	fputs("</tbody>\n</table>\n", out);
	if (tally->n_rows > ROWS_MAX || tally->rest)
		fprintf(out, "<p class=\"quiet\">And %zu more rows.</p>\n",
			(tally->n_rows > ROWS_MAX ? tally->n_rows - ROWS_MAX : 0) +
				(tally->rest ? 1 : 0));
}

static void put_cell(FILE *out, const char *text)
{
	fputs("<td>", out);
	if (*text)
		put_code(out, text);
	fputs("</td>", out);
}

static void put_number(FILE *out, uint64_t number)
{
	fprintf(out, "<td class=\"n\">%" PRIu64 "</td>", number);
}

static void put_verdict(FILE *out, const char *verdict)
{
	fprintf(out, "<td class=\"%s\">", class_of(verdict));
	put(out, verdict);
	fputs("</td>", out);
}

static void put_moment(FILE *out, uint64_t us)
{
	fputs("<td class=\"n\">", out);
	put_time(out, us);
	fputs("</td>", out);
}

static void put_rules(FILE *out, const struct bl_page *page)
{
	static const char *const names[] = { "rule",	"policy", "severity",
					     "verdict", "times",  "events",
					     "first",	"last",	  "what it is for" };

	fputs("<h2>Rules</h2>\n", out);
	put_header(out, names, BL_ARRAY_SIZE(names));
	for (size_t i = 0; i < page->rules.n_rows && i < ROWS_MAX; i++) {
		const struct bl_tally_row *row = &page->rules.rows[i];

		fputs("<tr>", out);
		put_cell(out, row->cells[0]);
		put_cell(out, row->cells[1]);
		fputs("<td>", out);
		put(out, row->cells[2]);
		fputs("</td>", out);
		put_verdict(out, row->cells[3]);
		put_number(out, row->times);
		put_number(out, row->events);
		put_moment(out, row->first_us);
		put_moment(out, row->last_us);
		fputs("<td>", out);
		put(out, row->cells[4]);
		if (*row->cells[5]) {
			fputs(" <span class=\"quiet\">", out);
			put(out, row->cells[5]);
			fputs("</span>", out);
		}
		fputs("</td></tr>\n", out);
	}
	put_rest(out, &page->rules);
}

static void put_refusals(FILE *out, const struct bl_page *page)
{
	static const char *const names[] = { "verdict", "what",	 "to what", "by whom", "unit",
					     "user",	"rule",	 "times",   "last" };

	fputs("<h2>What was refused to whom</h2>\n", out);
	put_header(out, names, BL_ARRAY_SIZE(names));
	for (size_t i = 0; i < page->refusals.n_rows && i < ROWS_MAX; i++) {
		const struct bl_tally_row *row = &page->refusals.rows[i];

		fputs("<tr>", out);
		put_verdict(out, row->cells[0]);
		fputs("<td>", out);
		put(out, row->cells[1]);
		if (*row->cells[7]) {
			fputs(" ", out);
			put(out, row->cells[7]);
		}
		fputs("</td>", out);
		for (size_t cell = 2; cell < 7; cell++)
			put_cell(out, row->cells[cell]);
		put_number(out, row->times);
		put_moment(out, row->last_us);
		fputs("</tr>\n", out);
	}
	put_rest(out, &page->refusals);
}

/* ---- processes ---------------------------------------------------------------------------- */

static void put_process(FILE *out, const struct bl_kinship_node *node)
{
	put_code(out, *node->exe ? node->exe : "?");
	fprintf(out, " <span class=\"quiet\">pid %" PRIu64, node->pid);
	if (node->known)
		fprintf(out, ", uid %" PRIu64, node->uid);
	if (node->unit && *node->unit) {
		fputs(", ", out);
		put(out, node->unit);
	}
	if (node->container && *node->container) {
		fputs(", container ", out);
		put(out, node->container);
	}
	fputs("</span>", out);
	if (node->refused)
		fprintf(out, " <span class=\"refused\">%" PRIu64 " refused</span>", node->refused);
	if (node->times > node->refused)
		fprintf(out, " <span class=\"would\">%" PRIu64 " reported</span>",
			node->times - node->refused);
}

/* BL_KIN_DEPTH_MAX bounds how deep this goes. */
static void put_nodes(FILE *out, const struct bl_kinship *kin, size_t at, size_t *left)
{
	fputs("<ul>\n", out);
	for (; at != SIZE_MAX && *left; at = kin->nodes[at].next) {
		const struct bl_kinship_node *node = &kin->nodes[at];

		(*left)--;
		fputs("<li>", out);
		if (node->child == SIZE_MAX) {
			put_process(out, node);
		} else {
			fputs("<details open><summary>", out);
			put_process(out, node);
			fputs("</summary>\n", out);
			put_nodes(out, kin, node->child, left);
			fputs("</details>", out);
		}
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

static void put_processes(FILE *out, const struct bl_page *page)
{
	size_t left = TREE_MAX;

	fputs("<h2>Processes</h2>\n", out);
	if (page->kin.first == SIZE_MAX) {
		fputs("<p class=\"quiet\">None.</p>\n", out);
		return;
	}
	put_nodes(out, &page->kin, page->kin.first, &left);
	if (page->kin.n_nodes > TREE_MAX || page->kin.rest)
		fputs("<p class=\"quiet\">There are more processes than are shown.</p>\n", out);
}

/* ---- the rest ----------------------------------------------------------------------------- */

static void put_runs(FILE *out, const struct bl_page *page)
{
	static const char *const names[] = { "boot", "run",	"from",	       "to",
					     "events", "missing", "accounted for" };

	fputs("<h2>Are they all there?</h2>\n", out);
	put_header(out, names, BL_ARRAY_SIZE(names));
	for (size_t i = 0; i < page->n_runs && i < ROWS_MAX; i++) {
		const struct bl_verify_run *run = &page->runs[i];

		fprintf(out, "<tr><td><code>%.12s</code></td><td><code>%.12s</code></td>",
			run->boot, run->invocation);
		put_moment(out, run->from_us);
		put_moment(out, run->to_us);
		put_number(out, run->entries);
		put_number(out, run->missing);
		if (bl_verify_is_good(run))
			fputs("<td>yes</td></tr>\n", out);
		else
			fprintf(out,
				"<td class=\"bad\">no: %" PRIu64 " missing without a reason, "
				"%" PRIu64 " there twice</td></tr>\n",
				run->unaccounted, run->duplicates);
	}
	fputs("</tbody>\n</table>\n", out);
}

static void put_daemon(FILE *out, const struct bl_page *page)
{
	static const char *const names[] = { "message", "times", "last" };

	fputs("<h2>What bailiffd says of itself</h2>\n", out);
	put_header(out, names, BL_ARRAY_SIZE(names));
	for (size_t i = 0; i < page->daemon.n_rows && i < ROWS_MAX; i++) {
		const struct bl_tally_row *row = &page->daemon.rows[i];

		fputs("<tr>", out);
		put_cell(out, row->cells[0]);
		put_number(out, row->events);
		put_moment(out, row->last_us);
		fputs("</tr>\n", out);
	}
	put_rest(out, &page->daemon);
}

int bl_page_write(FILE *out, const struct bl_page *page)
{
	put_head(out, page);
	put_title(out, page);
	put_timeline(out, page);
	put_rules(out, page);
	put_refusals(out, page);
	put_processes(out, page);
	put_runs(out, page);
	put_daemon(out, page);
	fputs("<p class=\"quiet\">Made by bailiff ", out);
	put(out, page->version);
	fputs(" at ", out);
	put_time(out, page->made_us);
	fputs(" UTC. Times are UTC.</p>\n</body>\n</html>\n", out);
	return ferror(out) ? -EIO : 0;
}
