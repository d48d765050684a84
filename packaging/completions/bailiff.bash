# bash completion for bailiff(8)                              -*- shell-script -*-
# SPDX-License-Identifier: Apache-2.0

_bailiff()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
	local common='--json --root --socket --no-color --help' own=''
	local source='--since --until --rule --unit --exe --verdict --on --severity --file --directory'

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W \
			'check test explain diff cat fmt schema status rules reload events replay report top metrics doctor --help --version' -- "$cur")
		return
	fi
	case $prev in
	--root | --directory) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
	--socket | --html) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	-o | --output)
		if [[ $command == metrics ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W 'compact json ecs ocsf cef' -- "$cur")
		return
		;;
	--access) mapfile -t COMPREPLY < <(compgen -W 'read write create delete attributes modify' -- "$cur"); return ;;
	--file)
		if [[ $command != explain ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W 'memfd deleted tmpfs setuid writable-by-others script' -- "$cur")
		return
		;;
	--verdict) mapfile -t COMPREPLY < <(compgen -W 'deny kill would-deny would-kill alert' -- "$cur"); return ;;
	--on) mapfile -t COMPREPLY < <(compgen -W 'exec open connect' -- "$cur"); return ;;
	--severity) mapfile -t COMPREPLY < <(compgen -W 'info low medium high critical' -- "$cur"); return ;;
	--protocol) mapfile -t COMPREPLY < <(compgen -W 'tcp udp sctp dccp icmp other raw' -- "$cur"); return ;;
	--uid) mapfile -t COMPREPLY < <(compgen -u -- "$cur"); return ;;
	--gid) mapfile -t COMPREPLY < <(compgen -g -- "$cur"); return ;;
	--exe) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	-n | --lines | --since | --until | --after | --rule | --unit | --window | --event | --port | --arg) return ;;
	esac
	case $command in
	check) own='--strict --quiet' ;;
	explain) own='--exe --uid --gid --access --file --arg --port --protocol --event --directory' ;;
	fmt) own='--check' ;;
	status) own='--rules' ;;
	report) own="--html $source" ;;
	metrics) own='--output' ;;
	top) own="--once --window $source" ;;
	replay) own="--changes --summary $source" ;;
	events) own="-f --follow -n --lines -o --output --after --verdicts --verify $source" ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$common $own" -- "$cur")
	elif [[ $command == explain ]] && ((COMP_CWORD == 2)); then
		mapfile -t COMPREPLY < <(compgen -W 'exec open connect trace' -- "$cur")
	elif [[ $command == explain ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif [[ $command == check || $command == test || $command == diff || $command == replay || $command == cat || $command == fmt ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -f -X '!*.json' -- "$cur")
	fi
}
complete -F _bailiff bailiff
