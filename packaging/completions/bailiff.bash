# bash completion for bailiff(8)                              -*- shell-script -*-
# SPDX-License-Identifier: Apache-2.0

_bailiff()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
	local common='--json --root --socket --no-color --help' own=''

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W \
			'check status rules reload events doctor --help --version' -- "$cur")
		return
	fi
	case $prev in
	--root | --directory) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
	--socket) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	-o | --output) mapfile -t COMPREPLY < <(compgen -W 'compact json' -- "$cur"); return ;;
	-n | --lines | --since | --after) return ;;
	esac
	case $command in
	check) own='--strict --quiet' ;;
	status) own='--rules' ;;
	events) own='-f --follow -n --lines -o --output --since --after --verdicts' ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$common $own" -- "$cur")
	elif [[ $command == check ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur"; compgen -f -X '!*.json' -- "$cur")
	fi
}
complete -F _bailiff bailiff
