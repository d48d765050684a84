/* SPDX-License-Identifier: Apache-2.0 */
/* Room in an image, and numbers for sequences of words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "abi.h"
#include "base.h"
#include "compile.h"
#include "image.h"
#include "intern.h"

static uint32_t alloc(struct bl_image *image, size_t size, size_t align, bool whole)
{
	uint32_t offset = ~0u;

	assert_int_equal(bl_image_alloc(image, size, align, whole, &offset), 0);
	assert_int_equal(offset % align, 0);
	return offset;
}

static void test_alloc(void **state)
{
	_cleanup_(bl_image_clear) struct bl_image image = {};

	assert_int_equal(alloc(&image, 100, 64, true), 0);
	assert_int_equal(alloc(&image, 1, 16, true), 112);
	assert_int_equal(alloc(&image, 8, 8, true), 120);
	assert_int_equal(alloc(&image, BL_CHUNK_BYTES - 128, 4, true), 128);
	assert_int_equal(alloc(&image, BL_CHUNK_BYTES - 10, 2, true), BL_CHUNK_BYTES);
	assert_int_equal(alloc(&image, 12, 2, true), 2 * BL_CHUNK_BYTES);
	assert_int_equal(alloc(&image, BL_CHUNK_BYTES, 4, false), 2 * BL_CHUNK_BYTES + 12);
	assert_int_equal(alloc(&image, 2 * BL_CHUNK_BYTES, 4, true), 3 * BL_CHUNK_BYTES + 12);
	assert_int_equal(bl_image_finish(&image), 0);
	assert_int_equal(image.len, 6 * BL_CHUNK_BYTES);
	assert_int_equal(bl_image_finish(&image), 0);
	assert_int_equal(image.len, 6 * BL_CHUNK_BYTES);
	for (size_t i = 0; i < image.len; i++)
		assert_int_equal(image.bytes[i], 0);
}

static void test_too_big(void **state)
{
	_cleanup_(bl_image_clear) struct bl_image image = {};
	uint32_t offset;

	alloc(&image, 100, 1, true);
	assert_int_equal(bl_image_alloc(&image, BL_IMAGE_BYTES_MAX, 1, false, &offset), -E2BIG);
	assert_int_equal(bl_image_alloc(&image, SIZE_MAX / 2, 1, false, &offset), -E2BIG);
	assert_int_equal(image.len, 100);
}

static void test_intern(void **state)
{
	_cleanup_(bl_interns_clear) struct bl_interns interns = {};
	uint32_t words[3] = { 7, 7, 9 }, id;
	const uint32_t *found;
	size_t n = 99;

	assert_int_equal(bl_intern(&interns, words, 0, &id), 0);
	assert_int_equal(id, 0);
	bl_interned(&interns, 0, &n);
	assert_int_equal(n, 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(bl_intern(&interns, words, i + 1, &id), 0);
		assert_int_equal(id, i + 1);
	}
	assert_int_equal(bl_intern(&interns, words, 2, &id), 0);
	assert_int_equal(id, 2);
	found = bl_interned(&interns, 3, &n);
	assert_int_equal(n, 3);
	assert_memory_equal(found, words, sizeof(words));
	for (uint32_t i = 0; i < 10000; i++) {
		words[0] = i;
		words[2] = i / 2;
		assert_int_equal(bl_intern(&interns, words, 3, &id), 0);
		assert_int_equal(id, i + 4);
	}
	found = bl_interned(&interns, 1, &n);
	assert_int_equal(found[0], 7);
	assert_int_equal(n, 1);
}

static void test_sort(void **state)
{
	uint32_t few[] = { 3, 1, 2, 3, 1 }, many[100], none[1];

	assert_int_equal(bl_words_sort(none, 0), 0);
	assert_int_equal(bl_words_sort(few, BL_ARRAY_SIZE(few)), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(few[i], i + 1);
	for (uint32_t i = 0; i < BL_ARRAY_SIZE(many); i++)
		many[i] = i * 37 % 50;
	assert_int_equal(bl_words_sort(many, BL_ARRAY_SIZE(many)), 50);
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(many[i], i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_intern),
		cmocka_unit_test(test_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
