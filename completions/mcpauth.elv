
use builtin;
use str;

set edit:completion:arg-completer[mcpauth] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'mcpauth'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'mcpauth'= {
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand generate 'Get every configured credential, then write the client configurations'
            cand ingress 'Get the token that lets agents through the gateway (client credentials)'
            cand egress 'Log in to outside services (authorization code with PKCE) and keep their tokens'
            cand agentcore 'Get tokens for Amazon Bedrock AgentCore gateways (client credentials)'
            cand keycloak 'Get tokens for Keycloak agents, from agent-NAME.json in the tokens directory'
            cand configure 'Ask for a credential''s settings and write them to .env (0600, existing lines kept)'
            cand config 'Show settings, and render or install client configurations'
            cand providers 'List, show and check the outside services one can log in to'
            cand gateway 'Serve the gateway, check and explain its settings, policy and servers'
            cand demo 'Show everything on this machine: an identity provider for development, every flow against it, the gateway at work'
            cand completions 'Print the completion script for a shell'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'mcpauth;generate'= {
            cand --provider 'Egress for this provider only [default: EGRESS_PROVIDER_NAME, else all]'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --all 'All flows (the default)'
            cand --ingress-only 'Only the token for the MCP gateway'
            cand --egress-only 'Only the tokens of outside services'
            cand --agentcore-only 'Only the Bedrock AgentCore tokens'
            cand --keycloak-only 'Only the Keycloak agents'' tokens'
            cand --both 'Ingress and egress'
            cand -f 'Get new tokens even if there are good ones'
            cand --force 'Get new tokens even if there are good ones'
            cand --no-install 'Write .oauth-tokens/*.json, but nothing into other programs'' files'
            cand --browser 'Open the browser even without a terminal'
            cand --no-browser 'Print the login address, open nothing, and wait for the answer'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcpauth;ingress'= {
            cand --client-secret-file 'Read the client secret from this file, or from stdin for -'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand -f 'Get a new token even if there is a good one'
            cand --force 'Get a new token even if there is a good one'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;egress'= {
            cand --provider 'Only the sets of this provider'
            cand --config-set 'Only set N of the numbered variables'
            cand --server-name 'The MCP server the token is for; names the file'
            cand --mcp-server-name 'The MCP server the token is for; names the file'
            cand --site 'The site to use where one login covers several: name, URL or id'
            cand --client-secret-file 'Read the client secret from this file, or from stdin for -'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand -f 'Log in again even if there is a good token'
            cand --force 'Log in again even if there is a good token'
            cand --browser 'Open the browser even without a terminal'
            cand --no-browser 'Print the login address, open nothing, and wait for the answer'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcpauth;agentcore'= {
            cand --gateway-name 'The gateway of this name, in any case'
            cand --gateway-index 'Gateway N of the numbered variables'
            cand --audience 'The audience, for servers that take JSON (Auth0)'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --all 'Every configured gateway (the default)'
            cand -f 'Get new tokens even if there are good ones'
            cand --force 'Get new tokens even if there are good ones'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;keycloak'= {
            cand --agent-name 'The agent: its file''s name without .json'
            cand --keycloak-url 'Keycloak''s address, for files that name none'
            cand --realm 'The realm, for files that name none'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --all-agents 'Every agent with a file (the default)'
            cand -f 'Get new tokens even if there are good ones'
            cand --force 'Get new tokens even if there are good ones'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcpauth;configure'= {
            cand --kind 'What to set up'
            cand --provider 'Egress: the provider (mcpauth providers list)'
            cand --client-id 'The client id'
            cand --client-secret-file 'Read the client secret from this file, or from stdin for -'
            cand --redirect-uri 'Egress: the redirect URI as registered'
            cand --scope 'Egress: scopes instead of the provider''s defaults'
            cand --server-name 'Egress: the MCP server it is for'
            cand --config-set 'Egress: the number of the set [default: the first free one]'
            cand --user-pool-id 'Cognito: the user pool''s id'
            cand --keycloak-url 'Keycloak: its address'
            cand --realm 'Keycloak: the realm'
            cand --issuer 'OpenID Connect: the issuer'
            cand --set 'Set any other variable, for example one a provider''s endpoints need; repeatable'
            cand --write 'The file to write'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand -y 'Do not ask whether to write'
            cand --yes 'Do not ask whether to write'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcpauth;config'= {
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
            cand show 'The settings in force, secrets redacted; with --client, that client''s configuration, secrets redacted'
            cand render 'Print a client''s configuration as it would be written, secrets included'
            cand install 'Merge our entries into the clients'' own files; everything else in them stays'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'mcpauth;config;show'= {
            cand --client 'A client (mcpauth config install --help lists them)'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --origin 'Say where each value comes from'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;config;render'= {
            cand --client 'The client'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;config;install'= {
            cand --client 'The clients; all of them without this'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --dry-run 'Show what would change, values redacted, and write nothing'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;config;help'= {
            cand show 'The settings in force, secrets redacted; with --client, that client''s configuration, secrets redacted'
            cand render 'Print a client''s configuration as it would be written, secrets included'
            cand install 'Merge our entries into the clients'' own files; everything else in them stays'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'mcpauth;config;help;show'= {
        }
        &'mcpauth;config;help;render'= {
        }
        &'mcpauth;config;help;install'= {
        }
        &'mcpauth;config;help;help'= {
        }
        &'mcpauth;providers'= {
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
            cand list 'Every provider, built in or your own'
            cand show 'What is known of one: endpoints, scopes, quirks, what to set'
            cand check 'Parse every provider file; exit code 7 if one is wrong'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'mcpauth;providers;list'= {
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;providers;show'= {
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;providers;check'= {
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;providers;help'= {
            cand list 'Every provider, built in or your own'
            cand show 'What is known of one: endpoints, scopes, quirks, what to set'
            cand check 'Parse every provider file; exit code 7 if one is wrong'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'mcpauth;providers;help;list'= {
        }
        &'mcpauth;providers;help;show'= {
        }
        &'mcpauth;providers;help;check'= {
        }
        &'mcpauth;providers;help;help'= {
        }
        &'mcpauth;gateway'= {
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
            cand serve 'Serve: authenticate, decide, forward and filter'
            cand check 'Check the gateway''s settings, policy and servers; exit code 7 if something is wrong'
            cand explain 'Say whether a caller may do something, and which line of the policy decides'
            cand test 'Run policy tests; exit code 7 if one fails'
            cand routes 'List the servers: where clients find them, where they are, what credential they get'
            cand schema 'Print the JSON schema of gateway.yaml, for editors'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'mcpauth;gateway;serve'= {
            cand --config 'The gateway''s settings [default: ./gateway.yaml, else the environment]'
            cand --listen 'Where clients connect, instead of what the settings say [default: 127.0.0.1:8080]'
            cand --shadow 'A second policy that decides nothing: what it would have refused is recorded'
            cand --admin 'Where /metrics is served'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;gateway;check'= {
            cand --config 'The gateway''s settings [default: ./gateway.yaml, else the environment]'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;gateway;explain'= {
            cand --config 'The gateway''s settings [default: ./gateway.yaml, else the environment]'
            cand --policy 'This policy instead of the gateway''s'
            cand --server 'The server, by its path without slashes'
            cand --method 'The method, GET for the stream or DELETE for a session''s end [default: the one that is about what is named]'
            cand --tool 'The tool it calls'
            cand --prompt 'The prompt it gets'
            cand --resource 'The resource it reads'
            cand --groups 'The caller''s groups'
            cand --scopes 'The token''s own scopes'
            cand --claims 'A JSON object with the token''s claims, for the policy''s `when`'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;gateway;test'= {
            cand --config 'The gateway''s settings [default: ./gateway.yaml, else the environment]'
            cand --policy 'This policy instead of the gateway''s'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;gateway;routes'= {
            cand --config 'The gateway''s settings [default: ./gateway.yaml, else the environment]'
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;gateway;schema'= {
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;gateway;help'= {
            cand serve 'Serve: authenticate, decide, forward and filter'
            cand check 'Check the gateway''s settings, policy and servers; exit code 7 if something is wrong'
            cand explain 'Say whether a caller may do something, and which line of the policy decides'
            cand test 'Run policy tests; exit code 7 if one fails'
            cand routes 'List the servers: where clients find them, where they are, what credential they get'
            cand schema 'Print the JSON schema of gateway.yaml, for editors'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'mcpauth;gateway;help;serve'= {
        }
        &'mcpauth;gateway;help;check'= {
        }
        &'mcpauth;gateway;help;explain'= {
        }
        &'mcpauth;gateway;help;test'= {
        }
        &'mcpauth;gateway;help;routes'= {
        }
        &'mcpauth;gateway;help;schema'= {
        }
        &'mcpauth;gateway;help;help'= {
        }
        &'mcpauth;demo'= {
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --keep 'Leave it running and print what to try'
            cand --browser 'Log in by hand, in the browser'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;completions'= {
            cand --env-file 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins'
            cand --tokens-dir 'Keep credentials in this folder [default: .oauth-tokens]'
            cand --storage 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]'
            cand --color 'Colours'
            cand --json 'One JSON object on stdout; errors as JSON on stderr'
            cand -q 'Errors only'
            cand --quiet 'Errors only'
            cand -v 'Say more; never a secret'
            cand --verbose 'Say more; never a secret'
            cand --allow-http 'Plain http to other machines is meant'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'mcpauth;help'= {
            cand generate 'Get every configured credential, then write the client configurations'
            cand ingress 'Get the token that lets agents through the gateway (client credentials)'
            cand egress 'Log in to outside services (authorization code with PKCE) and keep their tokens'
            cand agentcore 'Get tokens for Amazon Bedrock AgentCore gateways (client credentials)'
            cand keycloak 'Get tokens for Keycloak agents, from agent-NAME.json in the tokens directory'
            cand configure 'Ask for a credential''s settings and write them to .env (0600, existing lines kept)'
            cand config 'Show settings, and render or install client configurations'
            cand providers 'List, show and check the outside services one can log in to'
            cand gateway 'Serve the gateway, check and explain its settings, policy and servers'
            cand demo 'Show everything on this machine: an identity provider for development, every flow against it, the gateway at work'
            cand completions 'Print the completion script for a shell'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'mcpauth;help;generate'= {
        }
        &'mcpauth;help;ingress'= {
        }
        &'mcpauth;help;egress'= {
        }
        &'mcpauth;help;agentcore'= {
        }
        &'mcpauth;help;keycloak'= {
        }
        &'mcpauth;help;configure'= {
        }
        &'mcpauth;help;config'= {
            cand show 'The settings in force, secrets redacted; with --client, that client''s configuration, secrets redacted'
            cand render 'Print a client''s configuration as it would be written, secrets included'
            cand install 'Merge our entries into the clients'' own files; everything else in them stays'
        }
        &'mcpauth;help;config;show'= {
        }
        &'mcpauth;help;config;render'= {
        }
        &'mcpauth;help;config;install'= {
        }
        &'mcpauth;help;providers'= {
            cand list 'Every provider, built in or your own'
            cand show 'What is known of one: endpoints, scopes, quirks, what to set'
            cand check 'Parse every provider file; exit code 7 if one is wrong'
        }
        &'mcpauth;help;providers;list'= {
        }
        &'mcpauth;help;providers;show'= {
        }
        &'mcpauth;help;providers;check'= {
        }
        &'mcpauth;help;gateway'= {
            cand serve 'Serve: authenticate, decide, forward and filter'
            cand check 'Check the gateway''s settings, policy and servers; exit code 7 if something is wrong'
            cand explain 'Say whether a caller may do something, and which line of the policy decides'
            cand test 'Run policy tests; exit code 7 if one fails'
            cand routes 'List the servers: where clients find them, where they are, what credential they get'
            cand schema 'Print the JSON schema of gateway.yaml, for editors'
        }
        &'mcpauth;help;gateway;serve'= {
        }
        &'mcpauth;help;gateway;check'= {
        }
        &'mcpauth;help;gateway;explain'= {
        }
        &'mcpauth;help;gateway;test'= {
        }
        &'mcpauth;help;gateway;routes'= {
        }
        &'mcpauth;help;gateway;schema'= {
        }
        &'mcpauth;help;demo'= {
        }
        &'mcpauth;help;completions'= {
        }
        &'mcpauth;help;help'= {
        }
    ]
    $completions[$command]
}
