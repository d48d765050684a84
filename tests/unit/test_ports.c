/* SPDX-License-Identifier: Apache-2.0 */
/* Port classes: two ports are in one class exactly when the same sets have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "ports.h"

static struct bl_range web[] = { { 80, 80 }, { 443, 443 }, { 8000, 8100 } };
static struct bl_range high[] = { { 1024, 65535 } };
static struct bl_range proxy[] = { { 8080, 8080 } };
static struct bl_range all[] = { { 0, 65535 } };

static const struct bl_ranges_in sets[] = {
	{ web, BL_ARRAY_SIZE(web) },
	{ high, BL_ARRAY_SIZE(high) },
	{ proxy, BL_ARRAY_SIZE(proxy) },
	{ all, BL_ARRAY_SIZE(all) },
};

static uint32_t signature(uint32_t port)
{
	uint32_t bits = 0;

	for (size_t s = 0; s < BL_ARRAY_SIZE(sets); s++)
		for (size_t i = 0; i < sets[s].count; i++)
			if (port >= sets[s].items[i].first && port <= sets[s].items[i].last)
				bits |= 1u << s;
	return bits;
}

static void test_classes(void **state)
{
	_cleanup_(bl_ports_clear) struct bl_ports ports = {};
	uint32_t sizes[16] = {};

	assert_int_equal(bl_ports_build(&ports, sets, BL_ARRAY_SIZE(sets)), 0);
	assert_int_equal(ports.n_classes, 5);
	for (uint32_t port = 0; port < BL_PORTS; port++) {
		uint32_t number = ports.classes[port];

		assert_in_range(number, 0, ports.n_classes - 1);
		assert_int_equal(signature(port), signature(ports.sample[number]));
		assert_true(ports.sample[number] <= port);
		sizes[number]++;
	}
	for (uint32_t number = 0; number < ports.n_classes; number++) {
		assert_int_equal(ports.sizes[number], sizes[number]);
		assert_true(!number || ports.sample[number - 1] < ports.sample[number]);
		for (uint32_t other = 0; other < number; other++)
			assert_int_not_equal(signature(ports.sample[number]),
					     signature(ports.sample[other]));
	}
}

static void test_none(void **state)
{
	_cleanup_(bl_ports_clear) struct bl_ports ports = {};

	assert_int_equal(bl_ports_build(&ports, NULL, 0), 0);
	assert_int_equal(ports.n_classes, 1);
	assert_int_equal(ports.sizes[0], BL_PORTS);
}

/* Every second port, and every third: six classes, from 40,000 ranges. */
static void test_many_ranges(void **state)
{
	_cleanup_(bl_ports_clear) struct bl_ports ports = {};
	_cleanup_free_ struct bl_range *second = calloc(BL_PORTS, sizeof(*second));
	_cleanup_free_ struct bl_range *third = calloc(BL_PORTS, sizeof(*third));
	struct bl_ranges_in both[2] = { { second, 0 }, { third, 0 } };

	for (uint32_t port = 0; port < BL_PORTS; port += 2)
		second[both[0].count++] = (struct bl_range){ port, port };
	for (uint32_t port = 0; port < BL_PORTS; port += 3)
		third[both[1].count++] = (struct bl_range){ port, port };
	assert_int_equal(bl_ports_build(&ports, both, 2), 0);
	assert_int_equal(ports.n_classes, 4);
	assert_int_equal(ports.classes[0], ports.classes[6]);
	assert_int_equal(ports.classes[2], ports.classes[4]);
	assert_int_not_equal(ports.classes[2], ports.classes[3]);
}

static void test_has(void **state)
{
	for (uint32_t port = 0; port < BL_PORTS; port++)
		for (size_t s = 0; s < BL_ARRAY_SIZE(sets); s++)
			assert_int_equal(bl_ports_has(&sets[s], port), signature(port) >> s & 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_many_ranges),
		cmocka_unit_test(test_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
