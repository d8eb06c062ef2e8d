# clinfer.bash: completion of clinfer's command line in bash.
#
# Commands, options and what follows them are read from clinfer's own help, which
# knows them best; names of models come from the daemon, if it answers in a second.
#
# Functions below see the variables of _clinfer(), their caller:
# words	the line up to the cursor; the last of them is what is completed
# help	the words of the command's help; "." ends what brackets hold

# Bash has cut words at "=" and ":"; whole, as typed, they are wanted here.
_clinfer_words() {
	local line=${COMP_LINE:0:COMP_POINT} rest piece i
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		rest=${line#"${line%%[![:space:]]*}"}
		piece=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || piece=$rest
		if ((i > 0)) && [[ $rest == "$line" ]]; then
			words[-1]+=$piece
		else
			words+=("$piece")
		fi
		line=${rest#"$piece"}
	done
}

_clinfer_help() {
	local text
	text=$("$1" "${words[1]}" -h 2> /dev/null) || text=
	text=${text//\[NAME=]/NAME=}
	text=${text//[]|]/ . }
	read -rd '' -a help <<< "${text//[[,]/ }"
}

# The word in capitals behind an option, as "-o, --output DIR" has it; or nothing.
_clinfer_argument() {
	local i
	for ((i = 0; i < ${#help[@]}; i++)); do
		[[ ${help[i]} == "$1" ]] || continue
		while [[ ${help[i]} == -* ]]; do
			((++i))
		done
		[[ ${help[i]} != [[:upper:]]* ]] || echo "${help[i]}"
		return
	done
}

# Those of the words that begin as the last one on the line does.
_clinfer_reply() {
	local word start=$1
	shift
	for word; do
		[[ $word != "$start"* ]] || COMPREPLY+=("$word")
	done
}

# The names are somebody else's text: quoted, and nothing expands them.
_clinfer_models() {
	local url=() name i
	for ((i = 2; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		-u | --url) url=(-u "${words[i + 1]//[\"\']/}") ;;
		--url=*) url=(-u "${words[i]#*=}") ;;
		esac
	done
	while IFS= read -r name; do
		_clinfer_reply "${words[-1]}" "$(printf %q "$name")"
	done < <(timeout 2 "$1" status --names --timeout 1 "${url[@]}" \
	    2> /dev/null)
}

# What stands for $1 in the help, of which there is $2.
_clinfer_value() {
	case $1 in
	DIR)
		compopt -o dirnames
		;;
	NAME=FILE)
		compopt -o default
		[[ $2 != *@* ]] || _clinfer_reply "@${2##*@}" @zeros @ones
		;;
	URL)
		case $2 in
		unix:*) compopt -o default ;;
		*) compopt -o nospace; _clinfer_reply "$2" http:// unix: ;;
		esac
		;;
	esac
}

# $1: the program.
_clinfer() {
	local words help argument last before
	COMPREPLY=()
	_clinfer_words
	last=${words[-1]} before=${words[-2]}
	if ((${#words[@]} == 2)); then
		_clinfer_reply "$last" -h --help -V --version $("$1" -h \
		    2> /dev/null | sed -n 's/^clinfer \([a-z]*\) .*/\1/p')
		return
	fi
	_clinfer_help "$1"
	if [[ $last == --*=* ]]; then
		_clinfer_value "$(_clinfer_argument "${last%%=*}")" "${last#*=}"
		return
	fi
	argument=$(_clinfer_argument "$before")
	if [[ $argument != "" ]]; then
		_clinfer_value "$argument" "$last"
	elif [[ $last == -* ]]; then
		_clinfer_reply "$last" $(printf '%s\n' "${help[@]}" -h --help |
		    grep '^-' | sort -u)
	elif [[ " ${help[*]} " != *" --url "* ]]; then
		[[ " ${help[*]} " != *\ @(MODEL|PATH)* ]] || compopt -o default
	elif [[ " ${help[*]} " == *" MODEL "* ]]; then
		_clinfer_models "$1"
	fi
}

complete -F _clinfer clinfer
