/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of candidates in a form that two sets share: what differs in them differs in meaning. */
#include <errno.h>
#include <string.h>

#include "differ.h"

/* One candidate being written. */
struct draft {
	struct bl_plain *plain;
	const struct bl_side *side;
	int which;
	bool exec;
	unsigned int question;
	uint8_t asked; /* bits that it is asked by */
	uint32_t words[BL_PLAIN_WORDS + BL_EXCEPTS_MAX * BL_BOX_WORDS];
	size_t n_excepts;
};

static const uint8_t exec_asked = BL_ACCESS_EXEC | BL_FACT_ANY;

static bool is_empty(const struct bl_dim *dim, uint32_t number)
{
	const uint32_t *set = bl_dim_set(dim, number);

	for (size_t i = 0; number && i < dim->words; i++)
		if (set[i])
			return false;
	return number != 0;
}

/* The box of who a condition holds for. */
static struct bl_box cond_box(const struct draft *draft, uint32_t cond)
{
	struct bl_box box = {};

	for (int d = 0; d < _BL_DIM_SUBJECT; d++)
		box.set[d] = draft->plain->space->dims[d].conds[draft->which][cond];
	return box;
}

static bool box_is_empty(const struct draft *draft, const struct bl_box *box)
{
	for (int d = 0; d < _BL_DIM_MAX; d++)
		if (is_empty(&draft->plain->space->dims[d], box->set[d]))
			return true;
	return false;
}

/* Whatever the file is, or a file of which one of these holds. */
static int add_facts(const struct draft *draft, uint8_t access, struct bl_box *box)
{
	if (draft->asked != exec_asked || access & BL_ACCESS_EXEC)
		return 0;
	return bl_space_facts_set(draft->plain->space, access & BL_FACT_ANY,
				  &box->set[BL_DIM_FACTS]);
}

static int add_except(struct draft *draft, const struct bl_except *except)
{
	struct bl_box box = cond_box(draft, except->cond);
	int r;

	if (!(except->access & draft->asked))
		return 0;
	r = add_facts(draft, except->access, &box);
	if (r || box_is_empty(draft, &box))
		return r;
	memcpy(draft->words + BL_PLAIN_WORDS + draft->n_excepts++ * BL_BOX_WORDS, &box,
	       sizeof(box));
	return 0;
}

static int compare_boxes(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct bl_box));
}

static void sort_excepts(struct draft *draft)
{
	uint32_t *boxes = draft->words + BL_PLAIN_WORDS;
	size_t kept = 0;

	qsort(boxes, draft->n_excepts, sizeof(struct bl_box), compare_boxes);
	for (size_t i = 0; i < draft->n_excepts; i++) {
		if (kept &&
		    !compare_boxes(boxes + (kept - 1) * BL_BOX_WORDS, boxes + i * BL_BOX_WORDS))
			continue;
		memmove(boxes + kept++ * BL_BOX_WORDS, boxes + i * BL_BOX_WORDS,
			sizeof(struct bl_box));
	}
	draft->n_excepts = kept;
}

static int add_excepts(struct draft *draft, uint32_t offset)
{
	bool last = !offset;
	int r = 0;

	draft->n_excepts = 0;
	for (uint32_t i = 0; !r && !last && i < BL_EXCEPTS_MAX; i++) {
		const struct bl_except *except = bl_at(
			&draft->side->m, offset + i * (uint32_t)sizeof(*except), struct bl_except);

		last = except->flags & BL_EXCEPT_LAST;
		r = add_except(draft, except);
	}
	if (!r)
		sort_excepts(draft);
	return r;
}

/* The verdict of a rule that waits for arguments, and which these are; nothing: no argument is any. */
static void add_args(const struct draft *draft, const struct bl_cand *cand,
		     struct bl_plain_cand *plain)
{
	const struct bl_space *space = draft->plain->space;

	if (cand->verdict)
		return;
	plain->waits = 1;
	plain->verdict = space->args_verdict[draft->which][cand->rank];
	plain->box.set[BL_DIM_ARGS] = space->args[draft->which][cand->rank];
}

/* *ret is the candidate's number; 0: it is not about the question, or holds for nobody. */
static int write_cand(struct draft *draft, const struct bl_cand *cand, uint32_t *ret)
{
	struct bl_plain_cand plain = { .verdict = cand->verdict,
				       .box = cond_box(draft, cand->cond) };
	int r;

	*ret = 0;
	if (!(cand->access & draft->asked))
		return 0;
	add_args(draft, cand, &plain);
	r = add_facts(draft, cand->access, &plain.box);
	if (!r)
		r = add_excepts(draft, cand->excepts);
	if (r || !plain.verdict || box_is_empty(draft, &plain.box))
		return r;
	memcpy(draft->words, &plain, sizeof(plain));
	return bl_intern(&draft->plain->cands, draft->words,
			 BL_PLAIN_WORDS + draft->n_excepts * BL_BOX_WORDS, ret);
}

static int write_list(struct draft *draft, uint32_t offset, uint32_t *ret)
{
	const struct bl_list *list = bl_at(&draft->side->m, offset, struct bl_list);
	_cleanup_free_ uint32_t *numbers = calloc(list->count + 1, sizeof(*numbers));
	size_t n = 0;
	int r = 0;

	if (!numbers)
		return -ENOMEM;
	for (uint32_t i = 0; !r && i < list->count; i++) {
		uint32_t at = offset + (uint32_t)(sizeof(*list) + i * sizeof(struct bl_cand));

		r = write_cand(draft, bl_at(&draft->side->m, at, struct bl_cand), &numbers[n]);
		n += numbers[n] != 0;
	}
	if (r)
		return r;
	return bl_intern(&draft->plain->lists, numbers, bl_words_sort(numbers, n), ret);
}

static uint8_t asked_by(bool exec, unsigned int question)
{
	return exec && question == BL_QUESTION_EXEC ? exec_asked : (uint8_t)(1u << question);
}

static int write_answers(struct bl_plain *plain, unsigned int which, uint32_t offset, bool exec,
			 uint32_t answers[_BL_QUESTION_MAX])
{
	const struct bl_side *side = &plain->space->sides[which];
	_cleanup_free_ struct draft *draft = calloc(1, sizeof(*draft));
	int r = 0;

	if (!draft)
		return -ENOMEM;
	for (unsigned int q = 0; !r && q < _BL_QUESTION_MAX; q++) {
		*draft = (struct draft){ .plain = plain,
					 .side = side,
					 .which = (int)which,
					 .exec = exec,
					 .question = q,
					 .asked = asked_by(exec, q) };
		if (!exec || q == BL_QUESTION_EXEC || q == BL_QUESTION_TRACE)
			r = write_list(draft, offset, &answers[q]);
	}
	return r;
}

int bl_plain_list(struct bl_plain *plain, unsigned int side, uint32_t offset, bool exec,
		  unsigned int question, uint32_t *ret)
{
	const uint32_t key[] = { side + 1, offset, exec };
	size_t known = plain->known.count;
	uint32_t number;
	int r;

	*ret = 0;
	if (!offset)
		return 0;
	r = bl_intern(&plain->known, key, BL_ARRAY_SIZE(key), &number);
	if (r)
		return r;
	if (number > known) {
		uint32_t answers[_BL_QUESTION_MAX] = {};

		r = write_answers(plain, side, offset, exec, answers);
		if (!r)
			r = bl_grow(&plain->answers, &plain->answers_capacity, number,
				    sizeof(*plain->answers));
		if (r)
			return r;
		memcpy(plain->answers[number - 1], answers, sizeof(answers));
	}
	*ret = plain->answers[number - 1][question];
	return 0;
}

int bl_plain_join(struct bl_plain *plain, uint32_t a, uint32_t b, uint32_t *ret)
{
	_cleanup_free_ uint32_t *numbers = NULL;
	const uint32_t *list;
	size_t n_a, n_b;

	if (!a || !b || a == b) {
		*ret = a ? a : b;
		return 0;
	}
	bl_interned(&plain->lists, a, &n_a);
	bl_interned(&plain->lists, b, &n_b);
	numbers = calloc(n_a + n_b, sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	list = bl_interned(&plain->lists, a, &n_a);
	memcpy(numbers, list, n_a * sizeof(*numbers));
	list = bl_interned(&plain->lists, b, &n_b);
	memcpy(numbers + n_a, list, n_b * sizeof(*numbers));
	return bl_intern(&plain->lists, numbers, bl_words_sort(numbers, n_a + n_b), ret);
}

const struct bl_plain_cand *bl_plain_cand(const struct bl_plain *plain, uint32_t number,
					  size_t *ret_excepts)
{
	size_t n;
	const uint32_t *words = bl_interned(&plain->cands, number, &n);

	*ret_excepts = (n - BL_PLAIN_WORDS) / BL_BOX_WORDS;
	return (const struct bl_plain_cand *)words;
}

void bl_plain_clear(struct bl_plain *plain)
{
	bl_interns_clear(&plain->cands);
	bl_interns_clear(&plain->lists);
	bl_interns_clear(&plain->known);
	free(plain->answers);
}
