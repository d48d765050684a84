/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of port ranges -> classes of ports. */
#include "ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

/* Ports between two neighbouring boundaries are never told apart: they are one run. */
struct runs {
	uint32_t *starts; /* BL_PORTS + 1 entries at most; the last is BL_PORTS */
	uint32_t count;
	uint32_t *run_of; /* by port: the run that starts there; BL_PORTS + 1 entries */
	uint32_t *class_of; /* by run */
};

static void runs_clear(struct runs *runs)
{
	free(runs->starts);
	free(runs->run_of);
	free(runs->class_of);
}

static int make_runs(struct runs *runs, const struct bl_ranges_in *sets, size_t n_sets)
{
	_cleanup_free_ uint8_t *boundary = calloc(BL_PORTS + 1, 1);

	runs->starts = malloc((BL_PORTS + 1) * sizeof(*runs->starts));
	runs->run_of = calloc(BL_PORTS + 1, sizeof(*runs->run_of));
	runs->class_of = calloc(BL_PORTS + 1, sizeof(*runs->class_of));
	if (!boundary || !runs->starts || !runs->run_of || !runs->class_of)
		return -ENOMEM;
	boundary[0] = boundary[BL_PORTS] = 1;
	for (size_t s = 0; s < n_sets; s++) {
		for (size_t i = 0; i < sets[s].count; i++) {
			boundary[sets[s].items[i].first] = 1;
			boundary[sets[s].items[i].last + 1] = 1;
		}
	}
	for (uint32_t port = 0; port <= BL_PORTS; port++) {
		if (!boundary[port])
			continue;
		runs->run_of[port] = runs->count;
		runs->starts[runs->count++] = port;
	}
	runs->count--;
	return 0;
}

/* Work space of one refinement; by class. */
struct refinement {
	uint32_t *sizes;  /* runs in the class */
	uint32_t *hits;	  /* of them in the set at hand */
	uint32_t *split;  /* the new class of those */
	uint32_t *marked; /* by run: the set that it was last seen in, plus one */
	uint32_t n_classes;
};

static void refinement_clear(struct refinement *ref)
{
	free(ref->sizes);
	free(ref->hits);
	free(ref->split);
	free(ref->marked);
}

static int refinement_alloc(struct refinement *ref, const struct runs *runs)
{
	ref->sizes = calloc(runs->count + 1, sizeof(*ref->sizes));
	ref->hits = calloc(runs->count + 1, sizeof(*ref->hits));
	ref->split = calloc(runs->count + 1, sizeof(*ref->split));
	ref->marked = calloc(runs->count + 1, sizeof(*ref->marked));
	if (!ref->sizes || !ref->hits || !ref->split || !ref->marked)
		return -ENOMEM;
	ref->sizes[0] = runs->count;
	ref->n_classes = 1;
	return 0;
}

static void move_run(struct refinement *ref, struct runs *runs, uint32_t run)
{
	uint32_t old = runs->class_of[run];

	if (ref->hits[old] == ref->sizes[old])
		return;
	if (!ref->split[old])
		ref->split[old] = ref->n_classes++;
	runs->class_of[run] = ref->split[old];
}

static void refine(struct refinement *ref, struct runs *runs, const struct bl_ranges_in *set,
		   uint32_t number)
{
	memset(ref->hits, 0, ref->n_classes * sizeof(*ref->hits));
	memset(ref->split, 0, ref->n_classes * sizeof(*ref->split));
	for (size_t i = 0; i < set->count; i++) {
		uint32_t run = runs->run_of[set->items[i].first];

		for (; runs->starts[run] <= set->items[i].last; run++) {
			if (ref->marked[run] == number)
				continue;
			ref->marked[run] = number;
			ref->hits[runs->class_of[run]]++;
		}
	}
	for (uint32_t run = 0; run < runs->count; run++)
		if (ref->marked[run] == number)
			move_run(ref, runs, run);
	memset(ref->sizes, 0, ref->n_classes * sizeof(*ref->sizes));
	for (uint32_t run = 0; run < runs->count; run++)
		ref->sizes[runs->class_of[run]]++;
}

/* Classes are numbered anew, in the order of their smallest ports. */
static int fill(struct bl_ports *ports, const struct runs *runs, uint32_t n_classes)
{
	_cleanup_free_ uint32_t *number = calloc(n_classes, sizeof(*number));

	ports->classes = calloc(BL_PORTS, sizeof(*ports->classes));
	ports->sample = calloc(n_classes, sizeof(*ports->sample));
	ports->sizes = calloc(n_classes, sizeof(*ports->sizes));
	if (!number || !ports->classes || !ports->sample || !ports->sizes)
		return -ENOMEM;
	for (uint32_t run = 0; run < runs->count; run++) {
		uint32_t *one = &number[runs->class_of[run]];

		if (!*one) {
			ports->sample[ports->n_classes] = runs->starts[run];
			*one = ++ports->n_classes;
		}
		for (uint32_t port = runs->starts[run]; port < runs->starts[run + 1]; port++)
			ports->classes[port] = (uint16_t)(*one - 1);
		ports->sizes[*one - 1] += runs->starts[run + 1] - runs->starts[run];
	}
	return 0;
}

int bl_ports_build(struct bl_ports *ports, const struct bl_ranges_in *sets, size_t n_sets)
{
	_cleanup_(runs_clear) struct runs runs = {};
	_cleanup_(refinement_clear) struct refinement ref = {};
	int r = make_runs(&runs, sets, n_sets);

	if (!r)
		r = refinement_alloc(&ref, &runs);
	if (r)
		return r;
	for (size_t s = 0; s < n_sets; s++)
		refine(&ref, &runs, &sets[s], (uint32_t)s + 1);
	return fill(ports, &runs, ref.n_classes);
}

bool bl_ports_has(const struct bl_ranges_in *set, uint32_t port)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (set->items[middle].last < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->count && set->items[low].first <= port;
}

void bl_ports_clear(struct bl_ports *ports)
{
	free(ports->classes);
	free(ports->sample);
	free(ports->sizes);
	*ports = (struct bl_ports){};
}
