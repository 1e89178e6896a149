# bash completion for mcpauth. What may come next is worked out by mcpauth itself, so that names of servers, providers and
# credentials are those of the folder you are in.
_mcpauth() {
    local current before=() count=0 word line value
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        # bash takes --option=value apart at the =; here it is one word again.
        if [[ $count -gt 1 && ( $word == = || ${before[count-1]} == -*= ) ]]; then
            before[count-1]+=$word
        else
            before[count]=$word
            count=$((count + 1))
        fi
    done
    count=$((count - 1))
    current=${before[count]}
    unset "before[count]"
    # After a -- comes another program's command line: its name, then files.
    if [[ " ${before[*]} " == *" -- "* ]]; then
        if [[ ${before[count-1]} == -- ]]; then
            while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -A command -- "$current" | sort -u)
        fi
        return
    fi
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        [[ $current == -*=* ]] && value=${value#"${current%%=*}="}
        [[ -n $value ]] && COMPREPLY+=("$(printf '%q' "$value")")
    done < <(command mcpauth complete "${before[@]}" "=$current" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o default -F _mcpauth mcpauth
