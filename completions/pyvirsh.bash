# bash completion for pyvirsh.  What may follow is asked of the program, which answers
# CANDIDATE<tab>HELP lines, does not prompt and gives up after three seconds.

_pyvirsh() {
    local line=${COMP_LINE:0:COMP_POINT} words candidate cut IFS=$' \t\n'
    # Split at blanks only: bash would also split at = and :, which stand in options and URIs.
    read -a words <<<"$line"
    [[ $line == *[$' \t'] ]] && words+=("")
    # What bash takes for words of their own is already on the line.
    cut=${words[-1]}
    cut=${cut%"${cut##*["$COMP_WORDBREAKS"]}"}

    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        [[ $candidate == */ || $candidate == *, ]] && compopt -o nospace
        [[ $candidate == *[!][:alnum:]_.,:=/@%+^-]* ]] && printf -v candidate %q "$candidate"
        COMPREPLY+=("${candidate#"$cut"}")
    done < <(PYVIRSH_COMPLETE=1 "${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
}

complete -o default -o nosort -F _pyvirsh pyvirsh
