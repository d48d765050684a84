# SPDX-License-Identifier: Apache-2.0
"""The package's autopkgtest of the daemon, on this kernel: what a distribution runs when something below it changes."""

import pathlib

TEST = pathlib.Path(__file__).resolve().parents[3] / "packaging" / "debian" / "tests" / "daemon"


def test_the_packages_own_test(g):
    g.push(TEST, "/root/autopkgtest-daemon")
    g.run(["chmod", "+x", "/root/autopkgtest-daemon"])
    g.run(["/root/autopkgtest-daemon"], timeout=600)
    g.remove("/root/autopkgtest-daemon")
