# fish completion for pyvirsh.  What may follow is asked of the program, which answers
# CANDIDATE<tab>HELP lines, does not prompt and gives up after three seconds.

function __pyvirsh_candidates
    set -l words (commandline -opc)
    PYVIRSH_COMPLETE=1 $words[1] complete -- $words[2..] (commandline -ct) 2>/dev/null
end

complete -c pyvirsh -f -a '(__pyvirsh_candidates)'
