/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox: after loading, the daemon gives up all rights that it does not need to run. */
#pragma once

/*
 * What is left afterwards: CAP_BPF (new tables at a reload; attaching hooks that are loaded
 * already) and CAP_DAC_READ_SEARCH (following symbolic links of rules into directories that are
 * not root's); no program can be loaded or executed, no memory become executable, no socket but
 * a unix one be made. What is refused gets EPERM and a line in the audit log, so that a call that
 * was forgotten is an error of that call and not the end of the daemon.
 */

/*
 * Drops the capabilities, sets no_new_privs, installs the system call filter. For a process
 * without other threads, but for that of bl_loader_load_rest(), which keeps its rights to its end; later ones inherit
 * all of it. Returns 0, or -errno with a sentence in
 * *reterr_text.
 */
int bl_sandbox_enter(char **reterr_text);

/*
 * Tries what must fail by now. Returns 0 when each attempt was refused, or -ENOTRECOVERABLE with
 * what was not in *reterr_text.
 */
int bl_sandbox_verify(char **reterr_text);
