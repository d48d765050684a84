/* SPDX-License-Identifier: Apache-2.0 */
/* The classes of texts that two sets tell apart: both DFAs side by side, and the literals of both. */
#include <errno.h>
#include <string.h>

#include "differ.h"

#define STATES_MAX (4u << 20)

/* Where a path stands in its last component: "." and ".." are names of no file. */
enum place {
	PLACE_START = 1,
	PLACE_DOT,
	PLACE_DOTS,
	PLACE_NAME,
	PLACE_BEGIN, /* before the mark of what a process is called */
	PLACE_MARK,  /* behind that of a container or a cgroup: the end, or a '/' */
	PLACE_TAIL,  /* from here on: of units and slices, see bl_tail_next() */
};

/* Both machines after some text. */
struct state {
	struct bl_name_class at; /* trie: classes of what has left it here; dfa: states */
	uint32_t place;
};
#define STATE_WORDS (sizeof(struct state) / sizeof(uint32_t))

/* ---- the alphabet ------------------------------------------------------------------------- */

static bool is_path_kind(enum bl_names_kind kind)
{
	return kind == BL_NAMES_PATHS || kind == BL_NAMES_CGROUPS;
}

/* Bytes that say where a text stands, whatever the sets make of them. */
static bool is_special(enum bl_names_kind kind, unsigned int byte)
{
	if (byte == '/')
		return is_path_kind(kind) || bl_names_mark(kind);
	return bl_tail_has(kind, (uint8_t)byte) || (byte == '.' && is_path_kind(kind));
}

/* The plainest bytes first, and so the plainest letters: they are what samples are made of. */
static unsigned int plainness(unsigned int byte)
{
	if (byte >= 'a' && byte <= 'z')
		return 0;
	if (byte >= '0' && byte <= '9')
		return 1;
	if ((byte >= 'A' && byte <= 'Z') || byte == '_' || byte == '-')
		return 2;
	if (byte > ' ' && byte < 0x7f)
		return strchr("*?[]{}\\,", (int)byte) ? 4 : 3;
	return byte == ' ' ? 5 : byte >= 0x80 ? 6 : 7;
}

static bool is_letter(const struct bl_names *names, unsigned int byte)
{
	return byte || names->kind == BL_NAMES_SOCKETS;
}

static void sort_plain(uint8_t ret[static 256])
{
	size_t n = 0;

	for (unsigned int plain = 0; plain < 8; plain++)
		for (unsigned int byte = 0; byte < 256; byte++)
			if (plainness(byte) == plain)
				ret[n++] = (uint8_t)byte;
}

/* Bytes that no set tells from another one are one letter, but for the special ones. */
static void make_alphabet(struct bl_names *names)
{
	const uint8_t *of_old = names->sides[BL_OLD].header->byte_class;
	const uint8_t *of_new = names->sides[BL_NEW].header->byte_class;
	struct bl_alphabet *a = &names->alphabet;
	uint32_t keys[256], n = 0;
	uint8_t plain[256];

	sort_plain(plain);
	for (unsigned int i = 0; i < 256; i++) {
		unsigned int byte = plain[i];
		uint32_t key = of_old[byte] | (uint32_t)of_new[byte] << 8, letter = 0;

		if (is_special(names->kind, byte))
			key |= 1u << 16 | byte << 17;
		if (!is_letter(names, byte))
			key |= 1u << 31;
		while (letter < n && keys[letter] != key)
			letter++;
		if (letter == n)
			keys[n++] = key;
		a->of[byte] = (uint8_t)letter;
	}
	a->n = n;
	for (uint32_t letter = 0, at = 0; letter < n; letter++) {
		a->first[letter] = (uint16_t)at;
		for (unsigned int i = 0; i < 256; i++)
			if (a->of[plain[i]] == letter)
				a->bytes[at++] = plain[i];
		a->first[letter + 1] = (uint16_t)at;
	}
}

/* ---- one side ----------------------------------------------------------------------------- */

static const uint32_t *row_of(const struct bl_side *side, uint32_t state)
{
	return (const uint32_t *)(side->m.image + state);
}

/* 0: nothing matches any more. */
static uint32_t alive(const struct bl_side *side, uint32_t state)
{
	return state && *row_of(side, state) != BL_DFA_SINK ? state : 0;
}

static uint32_t dfa_next(const struct bl_side *side, uint32_t state, uint8_t byte)
{
	if (!state)
		return 0;
	return alive(side, row_of(side, state)[1 + side->header->byte_class[byte]]);
}

static uint32_t dfa_class(const struct bl_side *side, uint32_t state)
{
	return state ? *row_of(side, state) & ~BL_DFA_SINK : 0;
}

static const struct bl_trie_node *node_of(const struct bl_side *side, uint32_t item)
{
	uint32_t offset = side->header->nodes + item * (uint32_t)sizeof(struct bl_trie_node);

	return bl_at(&side->m, offset, struct bl_trie_node);
}

static size_t count_items(const struct bl_side *side)
{
	return BL_MIN((size_t)side->header->n_nodes, side->outline->trie.n_items);
}

/* ---- classes and states ------------------------------------------------------------------- */

static int add_class(struct bl_names *names, const struct bl_name_class *class,
		     const struct bl_name_step *sample)
{
	size_t known = names->classes.count;
	uint32_t number;
	int r = bl_intern(&names->classes, (const uint32_t *)class, sizeof(*class) / 4, &number);

	if (r || number <= known)
		return r;
	r = bl_grow(&names->samples, &names->samples_capacity, number, sizeof(*sample));
	if (!r)
		names->samples[number - 1] = *sample;
	return r;
}

/* A container has an id here; that there is none, or none that is known, is no matter of names. */
static bool may_end(const struct bl_names *names, uint32_t place)
{
	if (place >= PLACE_TAIL)
		return bl_tail_is_whole(names->kind, place - PLACE_TAIL);
	return place == PLACE_NAME || (place == PLACE_MARK && names->kind == BL_NAMES_CGROUPS);
}

/* What a text that ends in a state comes to. */
static int add_end(struct bl_names *names, const struct state *state,
		   const struct bl_name_step *sample)
{
	struct bl_name_class class = state->at;

	if (!may_end(names, state->place))
		return 0;
	for (int side = 0; side < BL_SIDES; side++)
		class.dfa[side] = dfa_class(&names->sides[side], state->at.dfa[side]);
	return add_class(names, &class, sample);
}

static uint32_t next_place(const struct bl_names *names, uint32_t place, uint8_t byte)
{
	if (place == PLACE_BEGIN)
		return bl_tail_has(names->kind, '.') ? PLACE_TAIL : PLACE_MARK;
	if (place >= PLACE_TAIL)
		return PLACE_TAIL + bl_tail_next(names->kind, place - PLACE_TAIL, byte);
	if (place == PLACE_MARK)
		return PLACE_START;
	if (!is_path_kind(names->kind))
		return PLACE_NAME;
	if (byte == '/')
		return PLACE_START;
	if (byte == '.' && place != PLACE_NAME && place != PLACE_DOTS)
		return place == PLACE_START ? PLACE_DOT : PLACE_DOTS;
	return PLACE_NAME;
}

/* Whether a byte can follow. */
static bool may_follow(const struct bl_names *names, uint32_t place, uint8_t byte)
{
	if (!is_letter(names, byte))
		return false;
	if (place == PLACE_MARK)
		return byte == '/';
	if (byte != '/')
		return true;
	return is_path_kind(names->kind) ? place == PLACE_NAME : !bl_names_mark(names->kind);
}

static void advance(const struct bl_names *names, struct state *state, uint8_t byte)
{
	for (int side = 0; side < BL_SIDES; side++)
		state->at.dfa[side] = dfa_next(&names->sides[side], state->at.dfa[side], byte);
	state->place = next_place(names, state->place, byte);
}

static bool is_nothing(const struct state *state)
{
	const struct bl_name_class *at = &state->at;

	return !(at->trie[BL_OLD] | at->trie[BL_NEW] | at->dfa[BL_OLD] | at->dfa[BL_NEW]);
}

static bool is_settled(const struct state *state)
{
	return !(state->at.dfa[BL_OLD] | state->at.dfa[BL_NEW]);
}

/* Goes on by a byte to a state off the literals. */
static int add_step(struct bl_names *names, const struct state *from, uint8_t byte,
		    const struct bl_name_step *step)
{
	size_t known = names->states.count;
	struct state to = *from;
	uint32_t number;
	int r;

	advance(names, &to, byte);
	/* Everybody is called somehow: that nothing is about a name is to be known of these. */
	if (is_nothing(&to) && !bl_names_mark(names->kind))
		return 0;
	r = bl_intern(&names->states, (const uint32_t *)&to, STATE_WORDS, &number);
	if (r || number <= known)
		return r;
	if (number > STATES_MAX)
		return -E2BIG;
	r = bl_grow(&names->steps, &names->steps_capacity, number, sizeof(*step));
	if (r)
		return r;
	names->steps[number - 1] = *step;
	return add_end(names, &to, &(struct bl_name_step){ .from = number, .bare = true });
}

/* Goes on from a state by every letter. Where nothing is left to be told apart, one is enough. */
static int expand(struct bl_names *names, uint32_t number)
{
	const struct bl_alphabet *a = &names->alphabet;
	struct state state;
	size_t n;
	int r = 0;

	memcpy(&state, bl_interned(&names->states, number, &n), sizeof(state));
	if (is_settled(&state) && state.place == PLACE_NAME)
		return 0;
	for (uint32_t letter = 0; !r && letter < a->n; letter++) {
		uint8_t byte = a->bytes[a->first[letter]];
		struct bl_name_step step = { .from = number, .byte = byte };

		if (may_follow(names, state.place, byte))
			r = add_step(names, &state, byte, &step);
	}
	return r;
}

static int expand_all(struct bl_names *names)
{
	int r = 0;

	for (uint32_t number = 1; !r && number <= names->states.count; number++)
		r = expand(names, number);
	return r;
}

/* ---- the joint trie ----------------------------------------------------------------------- */

/* Puts the path of an item at the end of a buffer; returns where it starts. */
static char *item_path(const struct bl_trie *trie, uint32_t item, char *end)
{
	for (; item != BL_TRIE_ROOT; item = trie->items[item].parent) {
		end -= trie->items[item].name_len;
		memcpy(end, trie->names + trie->items[item].name, trie->items[item].name_len);
		*--end = '/';
	}
	return end;
}

static int join_trie(struct bl_names *names, const struct bl_side *side)
{
	char path[BL_PATTERN_BYTES_MAX], *end = path + sizeof(path);
	int r = 0;

	for (uint32_t item = BL_TRIE_ROOT + 1; !r && item < count_items(side); item++) {
		char *start = item_path(&side->outline->trie, item, end);

		r = bl_trie_add(&names->trie, start, (size_t)(end - start), false, 0);
	}
	return r;
}

static void match_items(struct bl_names *names, int which)
{
	const struct bl_side *side = &names->sides[which];
	char path[BL_PATTERN_BYTES_MAX], *end = path + sizeof(path);

	for (uint32_t item = BL_TRIE_ROOT; item < count_items(side); item++) {
		char *start = item_path(&side->outline->trie, item, end);
		uint32_t node = bl_trie_find(&names->trie, start, (size_t)(end - start));

		names->items[which][node] = item;
	}
}

/* How far each set's own trie and DFA come along a node's path. A parent comes before its child. */
static void follow_items(struct bl_names *names, int which)
{
	const struct bl_side *side = &names->sides[which];
	uint32_t *deepest = names->deepest[which], *dfa = names->dfa[which];

	for (uint32_t node = BL_TRIE_ROOT; node < names->trie.n_items; node++) {
		const struct bl_trie_item *item = &names->trie.items[node];
		const uint8_t *name = (const uint8_t *)names->trie.names + item->name;

		deepest[node] = names->items[which][node];
		if (node == BL_TRIE_ROOT) {
			dfa[node] = alive(side, side->header->dfa_start);
			continue;
		}
		if (!deepest[node])
			deepest[node] = deepest[item->parent];
		dfa[node] = dfa_next(side, dfa[item->parent], '/');
		for (size_t i = 0; dfa[node] && i < item->name_len; i++)
			dfa[node] = dfa_next(side, dfa[node], name[i]);
	}
}

static int compare_children(const void *left, const void *right, void *userdata)
{
	const struct bl_trie *trie = userdata;
	const struct bl_trie_item *a = &trie->items[*(const uint32_t *)left];
	const struct bl_trie_item *b = &trie->items[*(const uint32_t *)right];
	int order = memcmp(trie->names + a->name, trie->names + b->name,
			   BL_MIN(a->name_len, b->name_len));

	return order ? order : a->name_len - b->name_len;
}

static int sort_children(struct bl_names *names)
{
	const struct bl_trie *trie = &names->trie;
	uint32_t *first = calloc(trie->n_items + 2, sizeof(*first));

	names->first_child = first;
	names->children = calloc(trie->n_items + 1, sizeof(*names->children));
	if (!first || !names->children)
		return -ENOMEM;
	for (size_t node = BL_TRIE_ROOT + 1; node < trie->n_items; node++)
		first[trie->items[node].parent]++;
	for (size_t node = 1; node <= trie->n_items; node++)
		first[node] += first[node - 1];
	for (size_t node = trie->n_items; --node > BL_TRIE_ROOT;)
		names->children[--first[trie->items[node].parent]] = (uint32_t)node;
	for (size_t node = BL_TRIE_ROOT; node < trie->n_items; node++)
		qsort_r(names->children + first[node], first[node + 1] - first[node],
			sizeof(*names->children), compare_children, (void *)trie);
	return 0;
}

static int make_trie(struct bl_names *names)
{
	int r = bl_trie_add(&names->trie, "", 0, false, 0);

	for (int side = 0; !r && side < BL_SIDES; side++)
		r = join_trie(names, &names->sides[side]);
	for (int side = 0; !r && side < BL_SIDES; side++) {
		names->items[side] = calloc(names->trie.n_items, sizeof(uint32_t));
		names->deepest[side] = calloc(names->trie.n_items, sizeof(uint32_t));
		names->dfa[side] = calloc(names->trie.n_items, sizeof(uint32_t));
		if (!names->items[side] || !names->deepest[side] || !names->dfa[side])
			return -ENOMEM;
		match_items(names, side);
		follow_items(names, side);
	}
	return r ? r : sort_children(names);
}

/* ---- along the literals ------------------------------------------------------------------- */

static struct bl_name_class node_class(const struct bl_names *names, uint32_t node)
{
	struct bl_name_class class = {};

	for (int which = 0; which < BL_SIDES; which++) {
		const struct bl_side *side = &names->sides[which];
		uint32_t item = names->items[which][node];

		if (item)
			class.trie[which] = node_of(side, item)->term;
		else if (names->deepest[which][node])
			class.trie[which] = node_of(side, names->deepest[which][node])->below;
		class.dfa[which] = dfa_class(side, names->dfa[which][node]);
	}
	return class;
}

static int add_node(struct bl_names *names, uint32_t node)
{
	struct bl_name_step sample = { .from = node, .first = true, .bare = true };
	struct bl_name_class class = node_class(names, node);

	return add_class(names, &class, &sample);
}

/* Children of a node whose names begin alike. */
struct siblings {
	uint32_t node;
	uint32_t low, high; /* in children */
	uint16_t depth;	    /* bytes of the names that were followed */
	struct state state;
};

static uint8_t next_byte(const struct bl_names *names, const struct siblings *s, uint32_t child)
{
	const struct bl_trie_item *item = &names->trie.items[names->children[child]];

	return (uint8_t)names->trie.names[item->name + s->depth];
}

/* The plainest byte of a letter by which no sibling goes on; -1: each does. */
static int free_byte(const struct bl_names *names, const bool taken[256], uint32_t letter)
{
	const struct bl_alphabet *a = &names->alphabet;

	for (uint32_t i = a->first[letter]; i < a->first[letter + 1]; i++)
		if (!taken[a->bytes[i]])
			return a->bytes[i];
	return -1;
}

static struct bl_name_step leave_step(const struct bl_names *names, const struct siblings *s,
				      uint32_t child)
{
	return (struct bl_name_step){
		.from = s->node,
		.child = s->depth ? names->children[child] : 0,
		.depth = s->depth,
		.first = true,
	};
}

/* Leaves the literals by every letter, but not by the names of siblings. */
static int leave(struct bl_names *names, const struct siblings *s, uint32_t child, bool whole)
{
	const struct bl_alphabet *a = &names->alphabet;
	bool taken[256] = {}, all = true;
	uint32_t number;
	int r = 0;

	if (is_nothing(&s->state))
		return 0;
	/* By a '/' what has a sibling's whole name is still among the literals. */
	if (names->kind == BL_NAMES_PATHS)
		taken['/'] = whole;
	for (uint32_t i = s->low; i < s->high; i++)
		taken[next_byte(names, s, i)] = true;
	for (uint32_t letter = 0; !r && letter < a->n; letter++) {
		struct bl_name_step step = leave_step(names, s, child);
		int byte = free_byte(names, taken, letter);

		if (!may_follow(names, s->state.place, a->bytes[a->first[letter]]))
			continue;
		all &= byte >= 0;
		if (byte < 0)
			continue;
		step.byte = (uint8_t)byte;
		r = add_step(names, &s->state, (uint8_t)byte, &step);
	}
	if (!r && all)
		r = bl_intern(&names->done, (const uint32_t *)&s->state, STATE_WORDS, &number);
	return r;
}

static bool is_done(struct bl_names *names, const struct state *state)
{
	return bl_interns_has(&names->done, (const uint32_t *)state, STATE_WORDS);
}

static int follow(struct bl_names *names, struct siblings s);

static int follow_each(struct bl_names *names, const struct siblings *s)
{
	int r = 0;

	for (uint32_t low = s->low, high; !r && low < s->high; low = high) {
		struct siblings next = *s;
		uint8_t byte = next_byte(names, s, low);

		for (high = low; high < s->high && next_byte(names, s, high) == byte; high++)
			;
		next.low = low;
		next.high = high;
		next.depth++;
		advance(names, &next.state, byte);
		r = follow(names, next);
	}
	return r;
}

/* A name that is the beginning of others comes first among them, and is a node of its own. */
static int follow(struct bl_names *names, struct siblings s)
{
	uint32_t child = s.low;
	bool whole = s.depth && names->trie.items[names->children[child]].name_len == s.depth;
	int r = 0;

	if (s.depth && !whole) {
		struct bl_name_step end = leave_step(names, &s, child);

		end.bare = true;
		r = add_end(names, &s.state, &end);
	}
	if (whole)
		s.low++;
	if (!r && !is_done(names, &s.state))
		r = leave(names, &s, child, whole);
	return r ? r : follow_each(names, &s);
}

static int follow_node(struct bl_names *names, uint32_t node)
{
	struct siblings s = {
		.node = node,
		.low = names->first_child[node],
		.high = names->first_child[node + 1],
		.state.place = PLACE_NAME,
	};
	int r = add_node(names, node);

	for (int which = 0; which < BL_SIDES; which++) {
		uint32_t item = names->deepest[which][node];

		s.state.at.dfa[which] = names->dfa[which][node];
		if (item)
			s.state.at.trie[which] = node_of(&names->sides[which], item)->below;
	}
	advance(names, &s.state, '/');
	return r ? r : follow(names, s);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static int find_paths(struct bl_names *names)
{
	int r = make_trie(names);

	for (uint32_t node = BL_TRIE_ROOT; !r && node < names->trie.n_items; node++)
		r = follow_node(names, node);
	return r ? r : expand_all(names);
}

/* All but paths have a byte before them, and no literals. */
static int find_texts(struct bl_names *names)
{
	struct state start = { .place = bl_names_mark(names->kind) ? PLACE_BEGIN : PLACE_NAME };
	struct bl_name_step first = { .first = true, .byte = bl_names_mark(names->kind) };
	int r;

	for (int side = 0; side < BL_SIDES; side++)
		start.at.dfa[side] =
			alive(&names->sides[side], names->sides[side].header->dfa_start);
	r = add_step(names, &start, first.byte, &first);
	return r ? r : expand_all(names);
}

int bl_names_find(struct bl_names *names, enum bl_names_kind kind, const struct bl_side *sides)
{
	names->kind = kind;
	names->sides = sides;
	make_alphabet(names);
	return kind == BL_NAMES_PATHS ? find_paths(names) : find_texts(names);
}

struct bl_name_class bl_names_read(const struct bl_side *sides, const char *text, size_t len)
{
	struct bl_name_class class = {};

	for (int which = 0; which < BL_SIDES; which++) {
		const struct bl_side *side = &sides[which];
		uint32_t state = alive(side, side->header->dfa_start);

		for (size_t i = 0; state && i < len; i++)
			state = dfa_next(side, state, (uint8_t)text[i]);
		class.dfa[which] = dfa_class(side, state);
	}
	return class;
}

struct bl_name_class bl_names_class(const struct bl_names *names, uint32_t number)
{
	struct bl_name_class class;
	size_t n;

	memcpy(&class, bl_interned(&names->classes, number, &n), sizeof(class));
	return class;
}

bool bl_names_next_sample(struct bl_names *names, uint32_t number, uint32_t *node)
{
	struct bl_name_class class = bl_names_class(names, number);

	while (++*node < names->trie.n_items) {
		struct bl_name_class other = node_class(names, *node);

		if (memcmp(&class, &other, sizeof(class)) != 0)
			continue;
		names->samples[number - 1] =
			(struct bl_name_step){ .from = *node, .first = true, .bare = true };
		return true;
	}
	return false;
}

/* The text before a first step: a node's path, and some bytes of a child's name. */
static void print_start(const struct bl_names *names, const struct bl_name_step *step, FILE *out)
{
	char path[BL_PATTERN_BYTES_MAX], *end = path + sizeof(path), *start = end;

	if (names->kind != BL_NAMES_PATHS)
		return;
	if (step->from)
		start = item_path(&names->trie, step->from, end);
	fwrite(start, 1, (size_t)(end - start), out);
	if (step->bare && !step->depth) {
		if (start == end)
			fputc('/', out);
		return;
	}
	fputc('/', out);
	if (step->child)
		fwrite(names->trie.names + names->trie.items[step->child].name, 1, step->depth,
		       out);
}

char *bl_names_sample(const struct bl_names *names, uint32_t number, size_t *ret_len)
{
	const struct bl_name_step *step = &names->samples[number - 1];
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t n = 0, capacity = 0;
	char *text = NULL;
	FILE *out;

	for (; !step->first; step = &names->steps[step->from - 1]) {
		if (step->bare)
			continue;
		if (bl_grow(&bytes, &capacity, n + 1, 1) < 0)
			return NULL;
		bytes[n++] = step->byte;
	}
	out = open_memstream(&text, ret_len);
	if (!out)
		return NULL;
	print_start(names, step, out);
	if (!step->bare)
		fputc(step->byte, out);
	while (n)
		fputc(bytes[--n], out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

void bl_names_clear(struct bl_names *names)
{
	bl_interns_clear(&names->classes);
	bl_interns_clear(&names->states);
	bl_interns_clear(&names->done);
	free(names->samples);
	free(names->steps);
	bl_trie_clear(&names->trie);
	for (int side = 0; side < BL_SIDES; side++) {
		free(names->items[side]);
		free(names->deepest[side]);
		free(names->dfa[side]);
	}
	free(names->children);
	free(names->first_child);
}
