# bash completion for bailiff(8)                              -*- shell-script -*-
# SPDX-License-Identifier: Apache-2.0

_bailiff_capabilities()
{
	echo chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable \
		net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot \
		sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease \
		audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read \
		perfmon bpf checkpoint_restore
}

_bailiff()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
	local common='--json --root --socket --no-color --help' own=''

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W \
			'check test explain diff cat fmt schema status rules reload mode unload events doctor --help --version' -- "$cur")
		return
	fi
	case $prev in
	--root | --directory) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
	--socket) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	-o | --output) mapfile -t COMPREPLY < <(compgen -W 'compact json' -- "$cur"); return ;;
	--access) mapfile -t COMPREPLY < <(compgen -W 'read write create delete attributes modify' -- "$cur"); return ;;
	--file) mapfile -t COMPREPLY < <(compgen -W 'memfd deleted tmpfs setuid writable-by-others script' -- "$cur"); return ;;
	--protocol) mapfile -t COMPREPLY < <(compgen -W 'tcp udp sctp dccp icmp other raw' -- "$cur"); return ;;
	--login) mapfile -t COMPREPLY < <(compgen -W 'unset' -u -- "$cur"); return ;;
	--uid) mapfile -t COMPREPLY < <(compgen -u -- "$cur"); return ;;
	--gid) mapfile -t COMPREPLY < <(compgen -g -- "$cur"); return ;;
	--capability) mapfile -t COMPREPLY < <(compgen -W "$(_bailiff_capabilities)" -- "$cur"); return ;;
	--unit) mapfile -t COMPREPLY < <(compgen -W "$(systemctl list-units --plain --no-legend --type \
		service,scope,socket,mount,swap 2> /dev/null | cut -d ' ' -f 1)" -- "$cur"); return ;;
	--slice) mapfile -t COMPREPLY < <(compgen -W "$(systemctl list-units --plain --no-legend --type slice \
		2> /dev/null | cut -d ' ' -f 1)" -- "$cur"); return ;;
	--container) mapfile -t COMPREPLY < <(compgen -W 'true false' -- "$cur"); return ;;
	--exe | --parent | --ancestor) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	-n | --lines | --since | --after | --event | --port | --arg | --cgroup | --for) return ;;
	esac
	case $command in
	check) own='--strict --quiet' ;;
	explain) own='--exe --parent --ancestor --uid --gid --login --unit --slice --cgroup --container --capability
		--access --file --arg --port --protocol --event --directory' ;;
	fmt) own='--check' ;;
	status) own='--rules' ;;
	mode) own='--for' ;;
	events) own='-f --follow -n --lines -o --output --since --after --verdicts' ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$common $own" -- "$cur")
	elif [[ $command == explain ]] && ((COMP_CWORD == 2)); then
		mapfile -t COMPREPLY < <(compgen -W 'exec open connect trace' -- "$cur")
	elif [[ $command == mode ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'enforce monitor' -- "$cur")
	elif [[ $command == explain ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif [[ $command == check || $command == test || $command == diff || $command == cat || $command == fmt ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -f -X '!*.json' -- "$cur")
	fi
}
complete -F _bailiff bailiff
