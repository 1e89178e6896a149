# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_mcpauth_global_optspecs
    string join \n env-file= tokens-dir= storage= json q/quiet v/verbose color= allow-http h/help V/version
end

function __fish_mcpauth_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_mcpauth_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_mcpauth_using_subcommand
    set -l cmd (__fish_mcpauth_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c mcpauth -n "__fish_mcpauth_needs_command" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_needs_command" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_needs_command" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_needs_command" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_needs_command" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -s V -l version -d 'Print version'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "generate" -d 'Get every configured credential, then write the client configurations'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "ingress" -d 'Get the token that lets agents through the gateway (client credentials)'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "egress" -d 'Log in to outside services (authorization code with PKCE) and keep their tokens'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "agentcore" -d 'Get tokens for Amazon Bedrock AgentCore gateways (client credentials)'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "keycloak" -d 'Get tokens for Keycloak agents, from agent-NAME.json in the tokens directory'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "configure" -d 'Ask for a credential\'s settings and write them to .env (0600, existing lines kept)'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "config" -d 'Show settings, and render or install client configurations'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "providers" -d 'List, show and check the outside services one can log in to'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "gateway" -d 'Serve the gateway, check and explain its settings, policy and servers'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "demo" -d 'Show everything on this machine: an identity provider for development, every flow against it, the gateway at work'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "completions" -d 'Print the completion script for a shell'
complete -c mcpauth -n "__fish_mcpauth_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l provider -d 'Egress for this provider only [default: EGRESS_PROVIDER_NAME, else all]' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l all -d 'All flows (the default)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l ingress-only -d 'Only the token for the MCP gateway'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l egress-only -d 'Only the tokens of outside services'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l agentcore-only -d 'Only the Bedrock AgentCore tokens'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l keycloak-only -d 'Only the Keycloak agents\' tokens'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l both -d 'Ingress and egress'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -s f -l force -d 'Get new tokens even if there are good ones'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l no-install -d 'Write .oauth-tokens/*.json, but nothing into other programs\' files'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l browser -d 'Open the browser even without a terminal'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l no-browser -d 'Print the login address, open nothing, and wait for the answer'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -l client-secret-file -d 'Read the client secret from this file, or from stdin for -' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -s f -l force -d 'Get a new token even if there is a good one'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand ingress" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l provider -d 'Only the sets of this provider' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l config-set -d 'Only set N of the numbered variables' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l server-name -l mcp-server-name -d 'The MCP server the token is for; names the file' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l site -d 'The site to use where one login covers several: name, URL or id' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l client-secret-file -d 'Read the client secret from this file, or from stdin for -' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -s f -l force -d 'Log in again even if there is a good token'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l browser -d 'Open the browser even without a terminal'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l no-browser -d 'Print the login address, open nothing, and wait for the answer'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand egress" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -l gateway-name -d 'The gateway of this name, in any case' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -l gateway-index -d 'Gateway N of the numbered variables' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -l audience -d 'The audience, for servers that take JSON (Auth0)' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -l all -d 'Every configured gateway (the default)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -s f -l force -d 'Get new tokens even if there are good ones'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand agentcore" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -l agent-name -d 'The agent: its file\'s name without .json' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -l keycloak-url -d 'Keycloak\'s address, for files that name none' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -l realm -d 'The realm, for files that name none' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -l all-agents -d 'Every agent with a file (the default)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -s f -l force -d 'Get new tokens even if there are good ones'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand keycloak" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l kind -d 'What to set up' -r -f -a "cognito\t'Ingress by Amazon Cognito'
keycloak\t'Ingress by Keycloak'
oidc\t'Ingress by any OpenID provider'
egress\t'Egress: an outside service'"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l provider -d 'Egress: the provider (mcpauth providers list)' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l client-id -d 'The client id' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l client-secret-file -d 'Read the client secret from this file, or from stdin for -' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l redirect-uri -d 'Egress: the redirect URI as registered' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l scope -d 'Egress: scopes instead of the provider\'s defaults' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l server-name -d 'Egress: the MCP server it is for' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l config-set -d 'Egress: the number of the set [default: the first free one]' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l user-pool-id -d 'Cognito: the user pool\'s id' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l keycloak-url -d 'Keycloak: its address' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l realm -d 'Keycloak: the realm' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l issuer -d 'OpenID Connect: the issuer' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l set -d 'Set any other variable, for example one a provider\'s endpoints need; repeatable' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l write -d 'The file to write' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -s y -l yes -d 'Do not ask whether to write'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand configure" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -f -a "show" -d 'The settings in force, secrets redacted; with --client, that client\'s configuration, secrets redacted'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -f -a "render" -d 'Print a client\'s configuration as it would be written, secrets included'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -f -a "install" -d 'Merge our entries into the clients\' own files; everything else in them stays'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and not __fish_seen_subcommand_from show render install help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -l client -d 'A client (mcpauth config install --help lists them)' -r -f -a "vscode-legacy\t''
roo\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -l origin -d 'Say where each value comes from'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from render" -l client -d 'The client' -r -f -a "vscode-legacy\t''
roo\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from render" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from render" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from render" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from render" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from render" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from render" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from render" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from render" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from render" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -l client -d 'The clients; all of them without this' -r -f -a "vscode-legacy\t''
roo\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -l dry-run -d 'Show what would change, values redacted, and write nothing'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'The settings in force, secrets redacted; with --client, that client\'s configuration, secrets redacted'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "render" -d 'Print a client\'s configuration as it would be written, secrets included'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "install" -d 'Merge our entries into the clients\' own files; everything else in them stays'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -f -a "list" -d 'Every provider, built in or your own'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -f -a "show" -d 'What is known of one: endpoints, scopes, quirks, what to set'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -f -a "check" -d 'Parse every provider file; exit code 7 if one is wrong'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and not __fish_seen_subcommand_from list show check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from list" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from list" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from list" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from list" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from list" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from list" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from show" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from show" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from show" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from show" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from show" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from show" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from check" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from check" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from check" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from check" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from check" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from check" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "list" -d 'Every provider, built in or your own'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "show" -d 'What is known of one: endpoints, scopes, quirks, what to set'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "check" -d 'Parse every provider file; exit code 7 if one is wrong'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand providers; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -f -a "serve" -d 'Serve: authenticate, decide, forward and filter'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -f -a "check" -d 'Check the gateway\'s settings, policy and servers; exit code 7 if something is wrong'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -f -a "explain" -d 'Say whether a caller may do something, and which line of the policy decides'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -f -a "test" -d 'Run policy tests; exit code 7 if one fails'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -f -a "routes" -d 'List the servers: where clients find them, where they are, what credential they get'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -f -a "schema" -d 'Print the JSON schema of gateway.yaml, for editors'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and not __fish_seen_subcommand_from serve check explain test routes schema help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -l config -d 'The gateway\'s settings [default: ./gateway.yaml, else the environment]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -l listen -d 'Where clients connect, instead of what the settings say [default: 127.0.0.1:8080]' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -l shadow -d 'A second policy that decides nothing: what it would have refused is recorded' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -l admin -d 'Where /metrics is served' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from serve" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from check" -l config -d 'The gateway\'s settings [default: ./gateway.yaml, else the environment]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from check" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from check" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from check" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from check" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from check" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from check" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l config -d 'The gateway\'s settings [default: ./gateway.yaml, else the environment]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l policy -d 'This policy instead of the gateway\'s' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l server -d 'The server, by its path without slashes' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l method -d 'The method, GET for the stream or DELETE for a session\'s end [default: the one that is about what is named]' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l tool -d 'The tool it calls' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l prompt -d 'The prompt it gets' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l resource -d 'The resource it reads' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l groups -d 'The caller\'s groups' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l scopes -d 'The token\'s own scopes' -r
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l claims -d 'A JSON object with the token\'s claims, for the policy\'s `when`' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -l config -d 'The gateway\'s settings [default: ./gateway.yaml, else the environment]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -l policy -d 'This policy instead of the gateway\'s' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from routes" -l config -d 'The gateway\'s settings [default: ./gateway.yaml, else the environment]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from routes" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from routes" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from routes" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from routes" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from routes" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from routes" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from routes" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from routes" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from routes" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from schema" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from schema" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from schema" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from schema" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from schema" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from schema" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from schema" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from schema" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from help" -f -a "serve" -d 'Serve: authenticate, decide, forward and filter'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check the gateway\'s settings, policy and servers; exit code 7 if something is wrong'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from help" -f -a "explain" -d 'Say whether a caller may do something, and which line of the policy decides'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from help" -f -a "test" -d 'Run policy tests; exit code 7 if one fails'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from help" -f -a "routes" -d 'List the servers: where clients find them, where they are, what credential they get'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from help" -f -a "schema" -d 'Print the JSON schema of gateway.yaml, for editors'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand gateway; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -l keep -d 'Leave it running and print what to try'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -l browser -d 'Log in by hand, in the browser'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand demo" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand completions" -l env-file -d 'Read settings from this file instead of ./.env and the reference\'s places; repeatable, a later one wins' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand completions" -l tokens-dir -d 'Keep credentials in this folder [default: .oauth-tokens]' -r -F
complete -c mcpauth -n "__fish_mcpauth_using_subcommand completions" -l storage -d 'Where secrets go: 0600 files, the system\'s keyring, or the keyring if it works [default: file]' -r -f -a "auto\t''
file\t''
keyring\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand completions" -l color -d 'Colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mcpauth -n "__fish_mcpauth_using_subcommand completions" -l json -d 'One JSON object on stdout; errors as JSON on stderr'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand completions" -s q -l quiet -d 'Errors only'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand completions" -s v -l verbose -d 'Say more; never a secret'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand completions" -l allow-http -d 'Plain http to other machines is meant'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand completions" -s h -l help -d 'Print help'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "generate" -d 'Get every configured credential, then write the client configurations'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "ingress" -d 'Get the token that lets agents through the gateway (client credentials)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "egress" -d 'Log in to outside services (authorization code with PKCE) and keep their tokens'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "agentcore" -d 'Get tokens for Amazon Bedrock AgentCore gateways (client credentials)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "keycloak" -d 'Get tokens for Keycloak agents, from agent-NAME.json in the tokens directory'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "configure" -d 'Ask for a credential\'s settings and write them to .env (0600, existing lines kept)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "config" -d 'Show settings, and render or install client configurations'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "providers" -d 'List, show and check the outside services one can log in to'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "gateway" -d 'Serve the gateway, check and explain its settings, policy and servers'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "demo" -d 'Show everything on this machine: an identity provider for development, every flow against it, the gateway at work'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "completions" -d 'Print the completion script for a shell'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and not __fish_seen_subcommand_from generate ingress egress agentcore keycloak configure config providers gateway demo completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'The settings in force, secrets redacted; with --client, that client\'s configuration, secrets redacted'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "render" -d 'Print a client\'s configuration as it would be written, secrets included'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "install" -d 'Merge our entries into the clients\' own files; everything else in them stays'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from providers" -f -a "list" -d 'Every provider, built in or your own'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from providers" -f -a "show" -d 'What is known of one: endpoints, scopes, quirks, what to set'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from providers" -f -a "check" -d 'Parse every provider file; exit code 7 if one is wrong'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from gateway" -f -a "serve" -d 'Serve: authenticate, decide, forward and filter'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from gateway" -f -a "check" -d 'Check the gateway\'s settings, policy and servers; exit code 7 if something is wrong'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from gateway" -f -a "explain" -d 'Say whether a caller may do something, and which line of the policy decides'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from gateway" -f -a "test" -d 'Run policy tests; exit code 7 if one fails'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from gateway" -f -a "routes" -d 'List the servers: where clients find them, where they are, what credential they get'
complete -c mcpauth -n "__fish_mcpauth_using_subcommand help; and __fish_seen_subcommand_from gateway" -f -a "schema" -d 'Print the JSON schema of gateway.yaml, for editors'
