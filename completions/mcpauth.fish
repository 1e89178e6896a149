# fish completion for mcpauth. What may come next is worked out by mcpauth itself, so that names of servers, providers and
# credentials are those of the folder you are in.
function __mcpauth_complete
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    # After a -- comes another program's command line.
    if set -l end (contains --index -- -- $before)
        set --erase before[1..$end]
        complete --do-complete (string join ' ' -- (string escape -- $before) "$current")
        return
    end
    set -l found (command mcpauth complete $before "=$current" 2>/dev/null)
    if test (count $found) -gt 0
        string join -- \n $found
    else
        __fish_complete_path "$current"
    end
end
complete --command mcpauth --no-files --keep-order --arguments '(__mcpauth_complete)'
