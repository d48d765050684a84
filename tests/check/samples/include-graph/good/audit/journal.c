/* SPDX-License-Identifier: Apache-2.0 */
/* A sample. */
#include <systemd/sd-journal.h>
#include "abi.h"
