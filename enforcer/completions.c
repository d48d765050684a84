/* SPDX-License-Identifier: Apache-2.0 */
/* completions bash|zsh|fish: writes what a shell needs to complete bailiff's command line, from the tool's own table. */
#include <stdio.h>
#include <string.h>

#include "tool_table.h"

/* ---- words of rows ------------------------------------------------------------------------ */

static void put_words(const struct bl_tool_option *row, const char *separator)
{
	const char *between = "";

	for (size_t i = 0; row->words && i < row->words->count; i++) {
		printf("%s%s", between, row->words->items[i].name);
		between = separator;
	}
	for (const char *at = row->more ? row->more : ""; *at;) {
		size_t len = strcspn(at, " ");

		printf("%s%.*s", between, (int)len, at);
		between = separator;
		at += len + strspn(at + len, " ");
	}
}

/* The first sentence of a text or the first line, within quotes: none of it means anything to a shell. */
static void put_short(const char *text, const char *ends)
{
	for (size_t i = 0; text[i] && !strchr(ends, text[i]); i++) {
		if (text[i] != '\'' && text[i] != '[' && text[i] != ']' && text[i] != ':')
			putchar(text[i]);
	}
}

/* ---- bash --------------------------------------------------------------------------------- */

static void bash_value(const struct bl_tool_option *row)
{
	switch (row->completes) {
	case BL_COMPLETES_NOTHING:
	case _BL_COMPLETES_MAX:
		return;
	case BL_COMPLETES_FILES:
	case BL_COMPLETES_POLICIES:
		fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); ",
		      stdout);
		return;
	case BL_COMPLETES_DIRECTORIES:
		fputs("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); ",
		      stdout);
		return;
	case BL_COMPLETES_UNITS:
	case BL_COMPLETES_SLICES:
		printf("mapfile -t COMPREPLY < <(compgen -W \"$(_bailiff_units %s)\" -- \"$cur\"); ",
		       row->completes == BL_COMPLETES_SLICES ? "slice"
							     : "service,scope,socket,mount,swap");
		return;
	case BL_COMPLETES_USERS:
	case BL_COMPLETES_GROUPS:
	case BL_COMPLETES_WORDS:
		fputs("mapfile -t COMPREPLY < <(compgen ", stdout);
		if (row->completes != BL_COMPLETES_WORDS)
			fputs(row->completes == BL_COMPLETES_USERS ? "-u " : "-g ", stdout);
		fputs("-W '", stdout);
		put_words(row, " ");
		fputs("' -- \"$cur\"); ", stdout);
		return;
	}
}

/* Options of one name mean different things to different commands; command may be "*". */
static void bash_row(const char *command, const struct bl_tool_option *row)
{
	if (!row->value)
		return;
	printf("\t%s' '--%s", command, row->name);
	if (row->letter)
		printf(" | %s' '-%c", command, row->letter);
	fputs(") ", stdout);
	bash_value(row);
	fputs("return ;;\n", stdout);
}

static void bash_names(const struct bl_tool_option *row)
{
	for (; row->name; row++) {
		printf(" --%s", row->name);
		if (row->letter)
			printf(" -%c", row->letter);
	}
}

static void bash_arguments(const struct bl_command *command)
{
	if (command->first)
		printf("\t\tif ((COMP_CWORD == 2)); then\n"
		       "\t\t\tmapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")\n"
		       "\t\t\treturn\n"
		       "\t\tfi\n",
		       command->first);
	if (command->completes == BL_COMPLETES_POLICIES)
		fputs("\t\tcompopt -o filenames\n"
		      "\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$cur\"; compgen -f -X '!*.json' -- \"$cur\")\n",
		      stdout);
	else if (command->completes == BL_COMPLETES_FILES)
		fputs("\t\tcompopt -o filenames\n"
		      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n",
		      stdout);
}

static void write_bash(void)
{
	fputs("# bash completion for bailiff(8)                              -*- shell-script -*-\n"
	      "# Made from the tool's own table of options; SPDX-License-Identifier: Apache-2.0\n\n"
	      "_bailiff_units()\n{\n"
	      "\tsystemctl list-units --plain --no-legend --type \"$1\" 2> /dev/null | cut -d ' ' -f 1\n"
	      "}\n\n"
	      "_bailiff()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} own=''\n\n"
	      "\tCOMPREPLY=()\n"
	      "\tif ((COMP_CWORD == 1)); then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W '",
	      stdout);
	for (size_t i = 0; i < bl_n_commands; i++)
		printf("%s ", bl_commands[i].name);
	fputs("--help --version' -- \"$cur\")\n\t\treturn\n\tfi\n\tcase \"$command $prev\" in\n",
	      stdout);
	for (size_t i = 0; i < bl_n_commands; i++)
		for (const struct bl_tool_option *row = bl_commands[i].options; row->name; row++)
			bash_row(bl_commands[i].name, row);
	for (const struct bl_tool_option *row = bl_common_options; row->name; row++)
		bash_row("*", row);
	fputs("\tesac\n\tcase $command in\n", stdout);
	for (size_t i = 0; i < bl_n_commands; i++) {
		printf("\t%s) own='", bl_commands[i].name);
		bash_names(bl_commands[i].options);
		fputs("' ;;\n", stdout);
	}
	fputs("\tesac\n\tif [[ $cur == -* ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$own",
	      stdout);
	bash_names(bl_common_options);
	fputs("\" -- \"$cur\")\n\t\treturn\n\tfi\n\tcase $command in\n", stdout);
	for (size_t i = 0; i < bl_n_commands; i++) {
		if (bl_commands[i].completes == BL_COMPLETES_NOTHING)
			continue;
		printf("\t%s)\n", bl_commands[i].name);
		bash_arguments(&bl_commands[i]);
		fputs("\t\t;;\n", stdout);
	}
	fputs("\tesac\n}\ncomplete -F _bailiff bailiff\n", stdout);
}

/* ---- zsh ---------------------------------------------------------------------------------- */

static void zsh_value(const struct bl_tool_option *row)
{
	printf(":%s:", row->value);
	switch (row->completes) {
	case BL_COMPLETES_NOTHING:
	case _BL_COMPLETES_MAX:
		fputs(" ", stdout);
		return;
	case BL_COMPLETES_FILES:
	case BL_COMPLETES_POLICIES:
		fputs("_files", stdout);
		return;
	case BL_COMPLETES_DIRECTORIES:
		fputs("_directories", stdout);
		return;
	case BL_COMPLETES_USERS:
		fputs("_users", stdout);
		return;
	case BL_COMPLETES_GROUPS:
		fputs("_groups", stdout);
		return;
	case BL_COMPLETES_UNITS:
	case BL_COMPLETES_SLICES:
		printf("{_bailiff_units %s}", row->completes == BL_COMPLETES_SLICES
						      ? "slice"
						      : "service,scope,socket,mount,swap");
		return;
	case BL_COMPLETES_WORDS:
		fputs("(", stdout);
		put_words(row, " ");
		fputs(")", stdout);
		return;
	}
}

static void zsh_row(const struct bl_tool_option *row)
{
	fputs(" \\\n\t\t\t", stdout);
	if (row->letter)
		printf("'(-%c --%s)'{-%c,--%s}'[", row->letter, row->name, row->letter, row->name);
	else
		printf("'*--%s[", row->name);
	put_short(row->help, "\n;");
	fputs("]", stdout);
	if (row->value)
		zsh_value(row);
	fputs("'", stdout);
}

static void zsh_command(const struct bl_command *command)
{
	printf("\t\t%s)\n\t\t\t_arguments -S", command->name);
	for (const struct bl_tool_option *row = command->options; row->name; row++)
		zsh_row(row);
	for (const struct bl_tool_option *row = bl_common_options; row->name; row++)
		zsh_row(row);
	if (command->first)
		printf(" \\\n\t\t\t'1:operation:(%s)'", command->first);
	if (command->completes == BL_COMPLETES_POLICIES)
		fputs(" \\\n\t\t\t'*:policy:_files -g \"*.json(-.)\"'", stdout);
	else if (command->completes == BL_COMPLETES_FILES)
		fputs(" \\\n\t\t\t'*:file:_files'", stdout);
	fputs(" ;;\n", stdout);
}

static void write_zsh(void)
{
	fputs("#compdef bailiff\n"
	      "# Made from the tool's own table of options; SPDX-License-Identifier: Apache-2.0\n\n"
	      "_bailiff_units()\n{\n"
	      "\tlocal -a units\n"
	      "\tunits=(${${(f)\"$(systemctl list-units --plain --no-legend --type $1 2> /dev/null)\"}%% *})\n"
	      "\tcompadd -a units\n"
	      "}\n\n"
	      "_bailiff()\n{\n"
	      "\tlocal curcontext=$curcontext state line\n"
	      "\tlocal -a commands\n\n"
	      "\tcommands=(\n",
	      stdout);
	for (size_t i = 0; i < bl_n_commands; i++) {
		printf("\t\t'%s:", bl_commands[i].name);
		put_short(bl_commands[i].summary, ",;\n");
		fputs("'\n", stdout);
	}
	fputs("\t)\n"
	      "\t_arguments -C '(- *)--help[this text]' '(- *)--version[the version]' \\\n"
	      "\t\t'1:command:->command' '*::argument:->argument'\n"
	      "\tcase $state in\n"
	      "\tcommand) _describe command commands ;;\n"
	      "\targument)\n"
	      "\t\tcase $words[1] in\n",
	      stdout);
	for (size_t i = 0; i < bl_n_commands; i++)
		zsh_command(&bl_commands[i]);
	fputs("\t\tesac ;;\n\tesac\n}\n\n_bailiff \"$@\"\n", stdout);
}

/* ---- fish --------------------------------------------------------------------------------- */

static void fish_value(const struct bl_tool_option *row)
{
	switch (row->completes) {
	case BL_COMPLETES_NOTHING:
	case _BL_COMPLETES_MAX:
		fputs(" -x", stdout);
		return;
	case BL_COMPLETES_FILES:
	case BL_COMPLETES_POLICIES:
		fputs(" -r -F", stdout);
		return;
	case BL_COMPLETES_DIRECTORIES:
		fputs(" -x -a '(__fish_complete_directories)'", stdout);
		return;
	case BL_COMPLETES_USERS:
		printf(" -x -a '(__fish_complete_users)%s%s'", row->more ? " " : "",
		       row->more ? row->more : "");
		return;
	case BL_COMPLETES_GROUPS:
		fputs(" -x -a '(__fish_complete_groups)'", stdout);
		return;
	case BL_COMPLETES_UNITS:
	case BL_COMPLETES_SLICES:
		printf(" -x -a '(__bailiff_units %s)'",
		       row->completes == BL_COMPLETES_SLICES ? "slice"
							     : "service,scope,socket,mount,swap");
		return;
	case BL_COMPLETES_WORDS:
		fputs(" -x -a '", stdout);
		put_words(row, " ");
		fputs("'", stdout);
		return;
	}
}

static void fish_row(const char *command, const struct bl_tool_option *row)
{
	fputs("complete -c bailiff", stdout);
	if (command)
		printf(" -n '__fish_seen_subcommand_from %s'", command);
	printf(" -l %s", row->name);
	if (row->letter)
		printf(" -s %c", row->letter);
	if (row->value)
		fish_value(row);
	fputs(" -d '", stdout);
	put_short(row->help, "\n;");
	fputs("'\n", stdout);
}

static void fish_command(const struct bl_command *command)
{
	printf("complete -c bailiff -n __fish_use_subcommand -a %s -d '", command->name);
	put_short(command->summary, ",;\n");
	fputs("'\n", stdout);
	for (const struct bl_tool_option *row = command->options; row->name; row++)
		fish_row(command->name, row);
	if (command->first)
		printf("complete -c bailiff -n '__fish_seen_subcommand_from %s' -a '%s'\n",
		       command->name, command->first);
	if (command->completes == BL_COMPLETES_POLICIES)
		printf("complete -c bailiff -n '__fish_seen_subcommand_from %s' -k -a '(__fish_complete_suffix .json)'\n",
		       command->name);
	else if (command->completes == BL_COMPLETES_FILES)
		printf("complete -c bailiff -n '__fish_seen_subcommand_from %s' -F\n",
		       command->name);
}

static void write_fish(void)
{
	fputs("# fish completion for bailiff(8)\n"
	      "# Made from the tool's own table of options; SPDX-License-Identifier: Apache-2.0\n\n"
	      "function __bailiff_units\n"
	      "    systemctl list-units --plain --no-legend --type $argv[1] 2> /dev/null | string replace -r ' .*' ''\n"
	      "end\n\n"
	      "complete -c bailiff -f\n"
	      "complete -c bailiff -n __fish_use_subcommand -l version -d 'the version'\n",
	      stdout);
	for (const struct bl_tool_option *row = bl_common_options; row->name; row++)
		fish_row(NULL, row);
	for (size_t i = 0; i < bl_n_commands; i++)
		fish_command(&bl_commands[i]);
}

/* ------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	static const struct {
		const char *shell;
		void (*write)(void);
	} shells[] = { { "bash", write_bash }, { "zsh", write_zsh }, { "fish", write_fish } };

	for (size_t i = 0; argc == 2 && i < BL_ARRAY_SIZE(shells); i++) {
		if (strcmp(argv[1], shells[i].shell) != 0)
			continue;
		shells[i].write();
		return fflush(stdout) == 0 ? 0 : 1;
	}
	fputs("usage: completions bash|zsh|fish\n", stderr);
	return 2;
}
