/* SPDX-License-Identifier: Apache-2.0 */
/* Words: the nearest one to what was written. */
#include <string.h>

#include "base.h"
#include "words.h"

#define WORD_BYTES_MAX 63

/* Damerau-Levenshtein distance (optimal string alignment). */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t row[3][WORD_BYTES_MAX + 1];

	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3];
		const size_t *above = row[(i + 2) % 3], *above2 = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			best = BL_MIN(best, above[j] + 1);
			best = BL_MIN(best, now[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = BL_MIN(best, above2[j - 2] + 1);
			now[j] = best;
		}
	}
	return row[n % 3][m];
}

const char *bl_words_nearest(const char *text, const char *const *words, size_t n_words)
{
	size_t len = strlen(text), best = SIZE_MAX;
	const char *nearest = NULL;

	if (len > WORD_BYTES_MAX)
		return NULL;
	for (size_t i = 0; i < n_words; i++) {
		size_t word_len = strlen(words[i]), d;

		if (word_len > WORD_BYTES_MAX)
			continue;
		d = distance(text, len, words[i], word_len);
		if (d < best && d <= 1 + word_len / 3) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}
