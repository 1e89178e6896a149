# Elvish completion for mcpauth. What may come next is worked out by mcpauth itself, so that names of servers, providers
# and credentials are those of the folder you are in.
use str
set edit:completion:arg-completer[mcpauth] = {|@words|
    var before = $words[..-1]
    var current = $words[-1]
    # After a -- comes another program's command line.
    if (has-value $before '--') {
        edit:complete-filename $current
    } else {
        e:mcpauth complete $@before '='$current 2>/dev/null | from-lines | each {|line|
            var value help = (str:split &max=2 "\t" $line)
            if (eq $help '') {
                edit:complex-candidate $value
            } else {
                edit:complex-candidate $value &display=$value' ('$help')'
            }
        }
    }
}
