/* SPDX-License-Identifier: Apache-2.0 */
/* Links that are no longer needed, while a thread closes them. */
#include "detaching.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"

int bl_detaching_init(struct bl_detaching *detaching, size_t n_hooks)
{
	*detaching = (struct bl_detaching){ .n_hooks = n_hooks };
	pthread_mutex_init(&detaching->lock, NULL);
	detaching->links = malloc(n_hooks * sizeof(*detaching->links));
	if (!detaching->links)
		return -ENOMEM;
	for (size_t i = 0; i < n_hooks; i++)
		detaching->links[i] = -1;
	return 0;
}

void bl_detaching_done(struct bl_detaching *detaching)
{
	if (!detaching->links)
		return;
	bl_detaching_await(detaching);
	free(detaching->links);
	pthread_mutex_destroy(&detaching->lock);
}

static void *close_links(void *argument)
{
	struct bl_detaching *detaching = argument;

	for (size_t i = 0; i < detaching->n_hooks; i++)
		bl_close(detaching->links[i]);
	return NULL;
}

void bl_detaching_await(struct bl_detaching *detaching)
{
	pthread_mutex_lock(&detaching->lock);
	if (detaching->running)
		pthread_join(detaching->thread, NULL);
	detaching->running = false;
	for (size_t i = 0; i < detaching->n_hooks; i++)
		detaching->links[i] = -1;
	pthread_mutex_unlock(&detaching->lock);
}

void bl_detaching_start(struct bl_detaching *detaching)
{
	pthread_mutex_lock(&detaching->lock);
	detaching->running = pthread_create(&detaching->thread, NULL, close_links, detaching) == 0;
	pthread_mutex_unlock(&detaching->lock);
	if (!detaching->running)
		close_links(detaching);
}
