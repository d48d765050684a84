/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against the vectors of FIPS 180 and NIST's examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base.h"
#include "sha256.h"

static const struct {
	const char *text;
	const char *digest;
} vectors[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
};

static void expect(struct bl_sha256 *sha, const char *digest)
{
	uint8_t bytes[BL_SHA256_BYTES];
	char hex[2 * BL_SHA256_BYTES + 1];

	bl_sha256_end(sha, bytes);
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(hex, digest);
}

static void test_vectors(void **state)
{
	for (size_t i = 0; i < BL_ARRAY_SIZE(vectors); i++) {
		struct bl_sha256 sha;

		bl_sha256_init(&sha);
		bl_sha256_add(&sha, vectors[i].text, strlen(vectors[i].text));
		expect(&sha, vectors[i].digest);
	}
}

/* However it is cut, the text is the same. */
static void test_pieces(void **state)
{
	const char *text = vectors[3].text;

	for (size_t step = 1; step < 70; step++) {
		struct bl_sha256 sha;

		bl_sha256_init(&sha);
		for (size_t i = 0; i < strlen(text); i += step)
			bl_sha256_add(&sha, text + i, BL_MIN(step, strlen(text) - i));
		expect(&sha, vectors[3].digest);
	}
}

static void test_million(void **state)
{
	struct bl_sha256 sha;

	bl_sha256_init(&sha);
	for (int i = 0; i < 1000000; i++)
		bl_sha256_add(&sha, "a", 1);
	expect(&sha, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
