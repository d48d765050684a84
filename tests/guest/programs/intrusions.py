# SPDX-License-Identifier: Apache-2.0
"""What the shipped rules are about, done for real, and ordinary work beside it: runs in a guest.

    intrusions.py prepare|act|ordinary|clean [RULE...]

act does the action of each rule in a child with a control group of its own, by whose name its events are known,
and prints {rule: [control group, "ok" or what went wrong]}. An action works if nothing refuses it: the shipped rules
only report. Programs that the guest lacks (servers, clients of the cloud) are copies of a shell under their
names: a rule goes by the name, and what it sees is the same."""

import ctypes
import errno
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time

AF_PACKET, AF_VSOCK = socket.AF_PACKET, socket.AF_VSOCK
SHELL, TRUE = "/usr/bin/bash", "/usr/bin/true"
USER_HOME = "/home/packs"
CGROUPS = "/sys/fs/cgroup"
libc = ctypes.CDLL(None, use_errno=True)

# Copies of a shell, which can run scripts, open files and connect.
SHELLS = ["/usr/sbin/nginx", "/usr/sbin/named", "/usr/lib/postgresql/15/bin/postgres", "/usr/lib/jvm/packs/bin/java",
          "/usr/bin/original-awk", "/usr/bin/qpdfview", "/usr/bin/doas"]
# Copies of a program that does nothing, where there is none.
IDLE = ["/usr/bin/ncat", "/usr/bin/curl", "/usr/bin/wget", "/usr/bin/make", "/usr/bin/nmap", "/usr/bin/gdb", "/usr/bin/kubectl",
        "/usr/bin/shred", "/usr/bin/chattr", "/usr/bin/ssh", "/usr/bin/socat", "/usr/sbin/auditctl", "/usr/sbin/setenforce",
        "/usr/sbin/nft", "/usr/sbin/setcap", "/usr/sbin/dropbear", "/usr/bin/perl", "/usr/bin/python3",
        "/usr/bin/apt-get", "/usr/bin/su", "/usr/bin/ip", "/usr/bin/runc"]
FILES = ["/etc/ssh/ssh_host_ed25519_key", "/root/.ssh/id_ed25519", "/root/.pgpass", "/root/.aws/credentials", "/etc/krb5.keytab",
         "/etc/ssl/private/x.key", "/etc/kubernetes/admin.conf", "/var/lib/redis/dump.rdb", "/var/log/auth.log", "/var/log/wtmp",
         "/root/.bash_history", "/root/packs-nothing", "/run/secrets/kubernetes.io/serviceaccount/token",
         USER_HOME + "/.ssh/id_rsa", USER_HOME + "/.mozilla/firefox/x.default/logins.json",
         USER_HOME + "/.local/share/keyrings/login.keyring", USER_HOME + "/.gnupg/private-keys-v1.d/x.key",
         USER_HOME + "/.bitcoin/wallet.dat", USER_HOME + "/secrets.kdbx"]
# Made beforehand, so that what an action does to them is that action only.
PLACES = ["/var/www/html", "/etc/nginx", "/etc/audit/rules.d", "/etc/bailiff/policy.d", "/etc/selinux", "/etc/docker",
          "/etc/kubernetes/manifests", "/etc/polkit-1/rules.d", "/var/lib/docker/image/overlay2", "/var/spool/cron/crontabs",
          "/var/spool/at", "/etc/rsyslog.d", "/etc/update-motd.d", "/etc/network/if-up.d", "/usr/share/dbus-1/system-services",
          "/etc/apt/apt.conf.d", "/etc/apt/sources.list.d", "/usr/local/share/ca-certificates", "/etc/systemd/system-generators",
          "/etc/sysctl.d", "/etc/modules-load.d", "/usr/lib/modules", "/root/.ssh", USER_HOME + "/.config/autostart",
          USER_HOME + "/.config/systemd/user", USER_HOME + "/.mozilla/firefox/x.default/extensions", USER_HOME + "/Downloads",
          USER_HOME + "/.local/share/Trash", "/media/packs", "/tmp/ssh-packs", "/tmp/.X11-unix", "/run/lock", "/etc/udev/rules.d", "/etc/binfmt.d",
          "/etc/sudoers.d", "/etc/cron.d", "/etc/profile.d", "/etc/ld.so.conf.d", "/boot", "/var/lib/dpkg/info"]
SOCKETS = ["/run/docker.sock", "/tmp/ssh-packs/agent.1", "/tmp/.X11-unix/X9"]


# ---- deeds ---------------------------------------------------------------------------------------


def change(path):
    """Opens a file for writing; one that was not there is made, and removed again."""
    there = os.path.lexists(path)
    os.close(os.open(path, os.O_WRONLY | (0 if there else os.O_CREAT), 0o644))
    if not there:
        os.unlink(path)


def read(path):
    with open(path, "rb", buffering=0) as file:
        file.read(1)


def delete(path):
    os.unlink(path)


def run(*argv):
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def typed(program, text):
    """A program that gets its orders by its standard input."""
    subprocess.run([program], input=text.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def copy_and_run(path):
    shutil.copyfile(TRUE, path)
    os.chmod(path, 0o755)
    try:
        subprocess.run([path], check=True)
    finally:
        os.unlink(path)


def world_writable():
    shutil.copyfile(TRUE, "/srv/packs-open")
    os.chmod("/srv/packs-open", 0o777)
    subprocess.run(["/srv/packs-open"], check=True)
    os.unlink("/srv/packs-open")


def setuid_copy():
    shutil.copyfile(TRUE, "/home/packs-root")
    os.chmod("/home/packs-root", 0o4755)
    subprocess.run(["/home/packs-root"], check=True)
    os.unlink("/home/packs-root")


def start(fd):
    """Runs a program by a descriptor alone."""
    pid = os.fork()
    if pid == 0:
        os.execve(fd, ["packs"], {})
    assert os.waitpid(pid, 0)[1] == 0


def memfd():
    fd = os.memfd_create("packs")
    with open(TRUE, "rb") as file:
        os.write(fd, file.read())
    start(fd)


def deleted():
    shutil.copyfile(TRUE, "/srv/packs-gone")
    os.chmod("/srv/packs-gone", 0o755)
    fd = os.open("/srv/packs-gone", os.O_RDONLY | os.O_CLOEXEC)
    os.unlink("/srv/packs-gone")
    start(fd)


def module(path):
    """finit_module of what is no module: the kernel asks before it looks."""
    with open(path, "wb") as file:
        file.write(b"none")
    with open(path, "rb") as file:
        libc.syscall(313, file.fileno(), b"", 0)
    os.unlink(path)


def memory_of_a_child():
    child = subprocess.Popen(["/usr/bin/sleep", "60"])
    try:
        read_write = os.open(f"/proc/{child.pid}/mem", os.O_RDWR)
        os.close(read_write)
    finally:
        child.kill()
        child.wait()


def journal_file():
    for base in "/var/log/journal", "/run/log/journal":
        if os.path.isdir(base):
            change(f"{base}/packs.journal")
            return
    raise RuntimeError("no journal's directory")


def service(program, script):
    """A script that a service runs, in children of its own."""
    done = subprocess.run([program, "-c", f"{script}\n:"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.stderr:
        raise RuntimeError(done.stderr)


def exec_from(program, *argv):
    """A program that another one turns into."""
    subprocess.run([program, "-c", 'exec "$@"', "packs", *argv], check=True)


def connect_as(program, address, port):
    service(program, f"exec 2>/dev/null 3<>/dev/tcp/{address}/{port}")


def call(address, port):
    """There is no network: the kernel says so after it has asked."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as made:
        made.setblocking(False)
        made.connect_ex((address, port))


def unix(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.connect(path)


def family(number):
    try:
        socket.socket(number, socket.SOCK_STREAM if number == AF_VSOCK else socket.SOCK_RAW).close()
    except OSError as error:
        if not isinstance(error, PermissionError):
            return  # this kernel has no such sockets, which it says after it has asked
        raise


def as_user(uid, deed):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    deed()


def device(path, major, minor):
    """A device that the guest may not have is not there behind its node."""
    made = not os.path.exists(path)
    if made:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(major, minor))
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno not in (errno.ENXIO, errno.ENODEV):
            raise  # nobody is behind the node, which the kernel says after it has asked
    finally:
        if made:
            os.unlink(path)


def release_agent():
    """Of a hierarchy of the first version. A kernel that has none has no such file either: then it is one by the name only."""
    os.makedirs("/mnt/packs", exist_ok=True)
    mounted = libc.mount(b"none", b"/mnt/packs", b"cgroup", 0, b"none,name=packs") == 0
    try:
        change("/mnt/packs/release_agent")
    finally:
        if mounted:
            libc.umount(b"/mnt/packs")


def archive(path):
    subprocess.run(["/usr/bin/tar", "-cf", "/root/packs.tar", path], check=True, stderr=subprocess.DEVNULL)
    os.unlink("/root/packs.tar")


def token():
    subprocess.run(["/usr/bin/head", "/run/secrets/kubernetes.io/serviceaccount/token"], check=True)


def enter(group):
    os.makedirs(CGROUPS + group, exist_ok=True)
    with open(f"{CGROUPS}{group}/cgroup.procs", "w", encoding="ascii") as file:
        file.write("0")


ACTIONS = {
    # base
    "base-shadow-written": "change('/etc/shadow')",
    "base-accounts-written": "change('/etc/passwd')",
    "base-sudoers-written": "change('/etc/sudoers')",
    "base-polkit-written": "change('/etc/polkit-1/rules.d/10-x.rules')",
    "base-pam-written": "change('/etc/pam.d/common-auth')",
    "base-login-module-written": "change('/usr/lib/x86_64-linux-gnu/security/pam_unix.so')",
    "base-nsswitch-written": "change('/etc/nsswitch.conf')",
    "base-admin-group-joined": "run('/usr/sbin/usermod', '-aG', 'sudo', 'packs')",
    "base-second-root": "run('/usr/sbin/useradd', '-o', '-u', '0', 'packs')",
    "base-preload-written": "change('/etc/ld.so.preload')",
    "base-loader-path-written": "change('/etc/ld.so.conf')",
    "base-cron-written": "change('/etc/crontab')",
    "base-crontab-written": "change('/var/spool/cron/crontabs/packs')",
    "base-at-written": "change('/var/spool/at/a0001')",
    "base-unit-written": "change('/etc/systemd/system/x.service')",
    "base-generator-written": "change('/etc/systemd/system-generators/x')",
    "base-init-script-written": "change('/etc/rc.local')",
    "base-profile-written": "change('/etc/profile.d/x.sh')",
    "base-root-startup-written": "change('/root/.bashrc')",
    "base-authorized-keys-written": "change('/root/.ssh/authorized_keys')",
    "base-sshd-config-written": "change('/etc/ssh/sshd_config')",
    "base-motd-script-written": "change('/etc/update-motd.d/99-x')",
    "base-network-script-written": "change('/etc/network/if-up.d/x')",
    "base-udev-rule-written": "change('/etc/udev/rules.d/99-x.rules')",
    "base-dbus-service-written": "change('/usr/share/dbus-1/system-services/x.service')",
    "base-package-hook-written": "change('/etc/apt/apt.conf.d/99x')",
    "base-repository-written": "change('/etc/apt/sources.list.d/x.list')",
    "base-package-database-written": "change('/var/lib/dpkg/info/x.postinst')",
    "base-program-written": "change('/usr/bin/packs-program')",
    "base-library-written": "change('/usr/lib/x86_64-linux-gnu/libpacks.so.1')",
    "base-hosts-written": "change('/etc/hosts')",
    "base-certificate-authority-added": "change('/usr/local/share/ca-certificates/x.crt')",
    "base-boot-written": "change('/boot/initrd.img-packs')",
    "base-module-written": "change('/usr/lib/modules/packs.ko')",
    "base-module-config-written": "change('/etc/modules-load.d/x.conf')",
    "base-module-from-elsewhere": "module('/root/packs.ko')",
    "base-module-by-hand": "run('/usr/sbin/insmod', '/nonexistent/packs.ko')",
    "base-kernel-helper-written": "change('/proc/sys/kernel/core_pattern')",
    "base-protection-lowered": "change('/proc/sys/kernel/kptr_restrict')",
    "base-sysctl-config-written": "change('/etc/sysctl.d/x.conf')",
    "base-binfmt-registered": "change('/etc/binfmt.d/x.conf')",
    "base-tracing-armed": "change('/sys/kernel/tracing/kprobe_events')",
    "base-sysrq-triggered": "change('/proc/sysrq-trigger')",
    "base-kernel-memory-read": "read('/proc/kcore')",
    "base-disk-opened": "read('/dev/vda')",
    "base-process-memory-opened": "memory_of_a_child()",
    "base-audit-config-written": "change('/etc/audit/rules.d/x.rules')",
    "base-log-config-written": "change('/etc/rsyslog.d/x.conf')",
    "base-bailiff-config-written": "change('/etc/bailiff/policy.d/x.json')",
    "base-mac-config-written": "change('/sys/kernel/security/apparmor/.remove')",
    "base-mac-switched-off": "run('/usr/sbin/setenforce')",
    "base-audit-switched-off": "run('/usr/sbin/auditctl', '-D')",
    "base-firewall-emptied": "run('/usr/sbin/nft', 'flush', 'ruleset')",
    "base-log-removed": "delete('/var/log/auth.log')",
    "base-login-record-written": "change('/var/log/wtmp')",
    "base-journal-written": "journal_file()",
    "base-journal-shortened": "run('/usr/bin/journalctl', '--vacuum-time=20years')",
    "base-kernel-log-cleared": "run('/usr/bin/dmesg', '--clear')",
    "base-history-removed": "run('/usr/bin/rm', '/root/.bash_history')",
    "base-file-shredded": "run('/usr/bin/shred', '/root/packs-nothing')",
    "base-immutable-changed": "run('/usr/bin/chattr', '+i', '/root/packs-nothing')",
    "base-exec-in-shared-memory": "copy_and_run('/dev/shm/packs')",
    "base-exec-memory-file": "memfd()",
    "base-exec-deleted": "deleted()",
    "base-exec-in-tmp": "copy_and_run('/tmp/packs-run')",
    "base-exec-in-run": "copy_and_run('/run/lock/packs')",
    "base-exec-in-var": "copy_and_run('/var/log/packs-run')",
    "base-exec-hidden": "copy_and_run('/.packs-hidden')",
    "base-exec-world-writable": "world_writable()",
    "base-setuid-elsewhere": "setuid_copy()",
    "base-setuid-given": "run('/usr/bin/chmod', 'u+s', '/root/packs-nothing')",
    "base-capability-given": "run('/usr/sbin/setcap')",
    "base-miner-started": "copy_and_run('/opt/xmrig')",
    "base-attack-tool-started": "copy_and_run('/opt/pspy64')",
    "base-shell-connects": "typed('/bin/bash', 'exec 3<>/dev/tcp/203.0.113.9/4000')",
    "base-odd-program-connects": "connect_as('/usr/bin/original-awk', '203.0.113.9', 4001)",
    "base-netcat-runs-program": "run('/usr/bin/ncat', '-e', '/bin/true', '127.0.0.1', '1')",
    "base-interpreter-one-liner-socket": "run('/usr/bin/python3', '-c', 'import socket,pty # pty.spawn')",
    "base-shell-to-network-device": "run('/bin/sh', '-c', ': > /dev/null # /dev/tcp/203.0.113.9/1')",
    "base-metadata-asked": "call('169.254.169.254', 80)",
    "base-miner-port": "call('203.0.113.9', 3333)",
    "base-backdoor-port": "call('203.0.113.9', 4444)",
    "base-tor-used": "call('127.0.0.1', 9050)",
    "base-remote-administration-outside": "call('203.0.113.9', 445)",
    "base-shadow-read": "read('/etc/shadow')",
    "base-credentials-archived": "archive('/etc/shadow')",
    "base-ssh-key-read": "read('/root/.ssh/id_ed25519')",
    "base-host-key-read": "read('/etc/ssh/ssh_host_ed25519_key')",
    "base-tls-key-read": "read('/etc/ssl/private/x.key')",
    "base-stored-password-read": "run('/usr/bin/head', '/root/.pgpass')",
    "base-cloud-credentials-read": "run('/usr/bin/head', '/root/.aws/credentials')",
    "base-keytab-read": "run('/usr/bin/head', '/etc/krb5.keytab')",
    # server
    "server-web-starts-shell": "service('/usr/sbin/nginx', '/bin/bash -c true')",
    "server-database-starts-shell": "service('/usr/lib/postgresql/15/bin/postgres', '/bin/bash -c true')",
    "server-daemon-starts-shell": "service('/usr/sbin/named', '/bin/bash -c true')",
    "server-java-starts-shell": "service('/usr/lib/jvm/packs/bin/java', '/bin/bash -c true')",
    "server-starts-interpreter": "service('/usr/sbin/nginx', '/usr/bin/perl -e 1')",
    "server-starts-fetcher": "service('/usr/sbin/nginx', '/usr/bin/curl --version')",
    "server-starts-netcat": "service('/usr/sbin/nginx', '/usr/bin/ncat --version')",
    "server-starts-compiler": "service('/usr/sbin/nginx', '/usr/bin/make --version')",
    "server-starts-package-manager": "service('/usr/sbin/nginx', '/usr/bin/dpkg --version')",
    "server-looks-around": "service('/usr/sbin/nginx', '/usr/bin/whoami')",
    "server-looks-at-network": "service('/usr/sbin/nginx', '/usr/bin/ip -V')",
    "server-becomes-root": "service('/usr/sbin/nginx', '/usr/bin/su --version')",
    "server-makes-job": "service('/usr/sbin/nginx', '/usr/bin/systemctl --version')",
    "server-changes-permissions": "service('/usr/sbin/nginx', '/usr/bin/chown --version')",
    "server-packs-up": "service('/usr/sbin/nginx', '/usr/bin/base64 --version')",
    "server-mounts": "service('/usr/sbin/nginx', '/usr/bin/umount --version')",
    "server-runs-upload": "copy_and_run('/var/www/html/packs')",
    "server-runs-data": "copy_and_run('/var/lib/redis/packs')",
    "server-webshell-named": "change('/var/www/html/c99.php')",
    "server-web-writes-script": "service('/usr/sbin/nginx', ': > /var/www/html/packs.php')",
    "server-web-config-written": "service('/usr/sbin/nginx', ': >> /etc/nginx/packs.conf')",
    "server-writes-foothold": "service('/usr/sbin/nginx', ': >> /etc/cron.d/packs-service')",
    "server-reads-keys": "service('/usr/sbin/nginx', '(: < ~packs/.ssh/id_rsa)')",
    "server-database-files-read": "run('/usr/bin/head', '/var/lib/redis/dump.rdb')",
    "server-web-connects-sideways": "connect_as('/usr/sbin/nginx', '10.0.0.9', 22)",
    "server-database-connects-outside": "connect_as('/usr/lib/postgresql/15/bin/postgres', '203.0.113.9', 5432)",
    "server-mail-sent-past-mta": "call('203.0.113.9', 25)",
    # container-host
    "container-control-socket-opened": "unix('/run/docker.sock')",
    "container-reaches-control-socket": "unix('/run/docker.sock')",
    "container-release-agent": "release_agent()",
    "container-changes-kernel-helper": "change('/proc/sys/kernel/core_pattern')",
    "container-changes-kernel": "change('/proc/sys/vm/drop_caches')",
    "container-opens-host-device": "read('/dev/vda')",
    "container-opens-process-memory": "memory_of_a_child()",
    "container-replaces-runtime": "change('/usr/bin/runc')",
    "container-loads-module": "module('/opt/packs.ko')",
    "container-starts-module-tool": "run('/usr/bin/kmod', 'list')",
    "container-mounts": "run('/usr/bin/nsenter', '--version')",
    "container-starts-escape-tool": "copy_and_run('/opt/amicontained')",
    "container-starts-engine": "run('/usr/bin/kubectl')",
    "container-starts-netcat": "run('/usr/bin/nmap')",
    "container-starts-sshd": "run('/usr/sbin/dropbear')",
    "container-installs-packages": "run('/usr/bin/apt-get', '--version')",
    "container-asks-metadata": "call('169.254.169.254', 80)",
    "container-asks-kubelet": "call('10.0.0.9', 10250)",
    "container-token-read": "token()",
    "container-cluster-key-read": "run('/usr/bin/head', '/etc/kubernetes/admin.conf')",
    "container-manifest-written": "change('/etc/kubernetes/manifests/x.yaml')",
    "container-engine-config-written": "change('/etc/docker/daemon.json')",
    "container-storage-written": "change('/var/lib/docker/image/overlay2/repositories.json')",
    # workstation
    "workstation-browser-secrets-read": "run('/usr/bin/head', USER_HOME + '/.mozilla/firefox/x.default/logins.json')",
    "workstation-keyring-read": "run('/usr/bin/head', USER_HOME + '/.local/share/keyrings/login.keyring')",
    "workstation-gpg-key-read": "run('/usr/bin/head', USER_HOME + '/.gnupg/private-keys-v1.d/x.key')",
    "workstation-wallet-read": "run('/usr/bin/head', USER_HOME + '/.bitcoin/wallet.dat')",
    "workstation-password-file-read": "run('/usr/bin/head', USER_HOME + '/secrets.kdbx')",
    "workstation-keyboard-read": "device('/dev/input/event0', 13, 64)",
    "workstation-keyboard-forged": "device('/dev/uinput', 10, 223)",
    "workstation-autostart-written": "change(USER_HOME + '/.config/autostart/x.desktop')",
    "workstation-user-unit-written": "change(USER_HOME + '/.config/systemd/user/x.service')",
    "workstation-shell-startup-written": "change(USER_HOME + '/.bashrc')",
    "workstation-ssh-key-added": "change(USER_HOME + '/.ssh/authorized_keys')",
    "workstation-ssh-config-written": "change(USER_HOME + '/.ssh/config')",
    "workstation-extension-written": "change(USER_HOME + '/.mozilla/firefox/x.default/extensions/x.xpi')",
    "workstation-document-starts-shell": "service('/usr/bin/qpdfview', '/bin/bash -c true')",
    "workstation-runs-download": "copy_and_run(USER_HOME + '/Downloads/packs')",
    "workstation-runs-trash": "copy_and_run(USER_HOME + '/.local/share/Trash/packs')",
    "workstation-runs-from-stick": "copy_and_run('/media/packs/x')",
    "workstation-remote-control-started": "copy_and_run('/opt/rustdesk')",
    "workstation-agent-asked": "unix('/tmp/ssh-packs/agent.1')",
    "workstation-document-connects": "connect_as('/usr/bin/qpdfview', '203.0.113.9', 443)",
    "workstation-service-on-screen": "as_user(33, lambda: unix('/tmp/.X11-unix/X9'))",
    # strict
    "strict-compiler": "run('/usr/bin/gcc', '--version')",
    "strict-package-manager": "run('/usr/bin/apt-get', '--version')",
    "strict-debugger": "run('/usr/bin/gdb')",
    "strict-network-tool": "run('/usr/bin/nmap')",
    "strict-fetcher": "run('/usr/bin/wget', '--version')",
    "strict-netcat": "run('/usr/bin/ncat', '--version')",
    "strict-ssh-forwarding": "run('/usr/bin/ssh', '-R', '1:127.0.0.1:1', '-V')",
    "strict-interpreter-one-liner": "run('/usr/bin/perl', '-e', '1')",
    "strict-decoder": "run('/usr/bin/base64', '--decode', '/dev/null')",
    "strict-exec-in-home": "copy_and_run('/root/packs-home')",
    "strict-exec-local": "copy_and_run('/usr/local/bin/packs-local')",
    "strict-namespace-tool": "run('/usr/bin/unshare', '--version')",
    "strict-looks-around": "run('/usr/bin/whoami')",
    "strict-root-shell": "exec_from('/usr/bin/doas', '/bin/bash', '-c', 'true')",
    "strict-account-tool": "run('/usr/sbin/useradd', '--help')",
    "strict-root-connects-outside": "call('203.0.113.9', 8443)",
    "strict-ssh-outside": "as_user(1000, lambda: call('203.0.113.9', 22))",
    "strict-clear-text": "call('10.0.0.9', 21)",
    "strict-unusual-sockets": "family(AF_VSOCK)",
    "strict-raw-packets": "family(AF_PACKET)",
    "strict-config-written": "change('/etc/packs-strict.conf')",
    "strict-passwords-listed": "run('/usr/bin/head', '/etc/passwd')",
}

# Rules that hold within containers, whose actions therefore run in a control group that Podman would make, and others that
# hold in certain units only.
INSIDE = {"container-reaches-control-socket", "container-changes-kernel-helper", "container-changes-kernel", "container-opens-host-device", "container-opens-process-memory", "container-replaces-runtime", "container-loads-module", "container-starts-module-tool", "container-mounts", "container-starts-escape-tool", "container-starts-engine", "container-starts-netcat", "container-starts-sshd", "container-installs-packages", "container-asks-metadata", "container-asks-kubelet"}
UNITS = {"server-java-starts-shell": "tomcat10.service"}


def group_of(rule, number):
    if rule in INSIDE:
        return f"/machine.slice/libpod-{number:064x}.scope"
    return f"/system.slice/{UNITS.get(rule, f'packs-{rule}.service')}"


def in_child(group, code):
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        answer = "ok"
        try:
            enter(group)
            exec(compile(code, "<action>", "exec"), globals())
        except BaseException as error:  # whatever it is, it is the answer
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, answer.encode()[:60000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        answer = file.read().decode()
    os.waitpid(pid, 0)
    return answer


def act(wanted):
    """The answers by rule: [control group, how it went]."""
    answers = {}
    for number, (rule, code) in enumerate(ACTIONS.items(), 1):
        if not wanted or rule in wanted:
            group = group_of(rule, number)
            answers[rule] = [group, in_child(group, code)]
    return answers


def prepare():
    os.umask(0o022)
    subprocess.run(["/usr/sbin/useradd", "--create-home", "packs"], check=False, stderr=subprocess.DEVNULL)
    for place in PLACES:
        os.makedirs(place, exist_ok=True)
    made = []
    for source, paths in (SHELL, SHELLS), (TRUE, IDLE):
        for path in paths:
            if os.path.lexists(path):
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copyfile(source, path)
            os.chmod(path, 0o755)
            made.append(path)
    for path in FILES:
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                file.write("packs\n")
            os.chmod(path, 0o600)
            made.append(path)
    with open("/root/packs-made.json", "w", encoding="ascii") as file:
        json.dump(made, file)
    for path in SOCKETS:
        listen(path)


def listen(path):
    """Something that listens as long as the guest runs, or until clean."""
    if os.fork() == 0:
        os.setsid()
        for fd in 0, 1, 2:
            os.dup2(os.open("/dev/null", os.O_RDWR), fd)
        with socket.socket(socket.AF_UNIX) as made:
            if os.path.lexists(path):
                os.unlink(path)
            made.bind(path)
            os.chmod(path, 0o666)
            made.listen(8)
            with open("/run/packs-listeners", "a", encoding="ascii") as file:
                file.write(f"{os.getpid()}\n")
            while True:
                made.accept()
    for _ in range(100):
        if os.path.exists(path):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens at {path}")


def clean():
    with open("/root/packs-made.json", encoding="ascii") as file:
        made = json.load(file)
    for path in made:
        if os.path.lexists(path):
            os.unlink(path)
    with open("/run/packs-listeners", encoding="ascii") as file:
        for line in file:
            os.kill(int(line), 9)
    os.unlink("/run/packs-listeners")
    for path in [*SOCKETS, "/root/packs-made.json"]:
        os.unlink(path)
    for number, rule in enumerate(ACTIONS, 1):
        if os.path.isdir(CGROUPS + group_of(rule, number)):
            os.rmdir(CGROUPS + group_of(rule, number))
    subprocess.run(["/usr/sbin/userdel", "--remove", "packs"], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    words = {"prepare": prepare, "clean": clean, "act": lambda: print(json.dumps(act(sys.argv[2:])))}
    words[sys.argv[1]]()
