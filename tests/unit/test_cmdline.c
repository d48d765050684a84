/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff.mode= on the kernel's command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmdline.h"

static void says(const char *text, enum bl_cmdline_mode mode)
{
	if (bl_cmdline_read(text) != mode)
		fail_msg("'%s' is taken as %d", text, (int)bl_cmdline_read(text));
}

static void words(void **state)
{
	says("", BL_CMDLINE_NONE);
	says("root=/dev/vda quiet\n", BL_CMDLINE_NONE);
	says("quiet bailiff.mode=off\n", BL_CMDLINE_OFF);
	says("bailiff.mode=monitor quiet", BL_CMDLINE_MONITOR);
	says("bailiff.mode=enforce", BL_CMDLINE_ENFORCE);
	says("bailiff.mode=\"off\"", BL_CMDLINE_OFF);
	says("bailiff.mode=", BL_CMDLINE_UNKNOWN);
	says("bailiff.mode=of", BL_CMDLINE_UNKNOWN);
	says("bailiff.mode=offf", BL_CMDLINE_UNKNOWN);
	says("bailiff.mode=\"", BL_CMDLINE_UNKNOWN);
}

static void which_counts(void **state)
{
	says("bailiff.mode=off bailiff.mode=monitor", BL_CMDLINE_MONITOR);
	says("xbailiff.mode=off", BL_CMDLINE_NONE);
	says("bailiff.mode off", BL_CMDLINE_NONE);
	says("dyndbg=\"file a +p; bailiff.mode=off \" quiet", BL_CMDLINE_NONE);
	says("quiet -- bailiff.mode=off", BL_CMDLINE_NONE);
	says("init=--x --a bailiff.mode=off", BL_CMDLINE_OFF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(which_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
