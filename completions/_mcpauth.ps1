
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'mcpauth' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'mcpauth'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'mcpauth' {
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('generate', 'generate', [CompletionResultType]::ParameterValue, 'Get every configured credential, then write the client configurations')
            [CompletionResult]::new('ingress', 'ingress', [CompletionResultType]::ParameterValue, 'Get the token that lets agents through the gateway (client credentials)')
            [CompletionResult]::new('egress', 'egress', [CompletionResultType]::ParameterValue, 'Log in to outside services (authorization code with PKCE) and keep their tokens')
            [CompletionResult]::new('agentcore', 'agentcore', [CompletionResultType]::ParameterValue, 'Get tokens for Amazon Bedrock AgentCore gateways (client credentials)')
            [CompletionResult]::new('keycloak', 'keycloak', [CompletionResultType]::ParameterValue, 'Get tokens for Keycloak agents, from agent-NAME.json in the tokens directory')
            [CompletionResult]::new('configure', 'configure', [CompletionResultType]::ParameterValue, 'Ask for a credential''s settings and write them to .env (0600, existing lines kept)')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show settings, and render or install client configurations')
            [CompletionResult]::new('providers', 'providers', [CompletionResultType]::ParameterValue, 'List, show and check the outside services one can log in to')
            [CompletionResult]::new('gateway', 'gateway', [CompletionResultType]::ParameterValue, 'Serve the gateway, check and explain its settings, policy and servers')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Show everything on this machine: an identity provider for development, every flow against it, the gateway at work')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script for a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'mcpauth;generate' {
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Egress for this provider only [default: EGRESS_PROVIDER_NAME, else all]')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All flows (the default)')
            [CompletionResult]::new('--ingress-only', '--ingress-only', [CompletionResultType]::ParameterName, 'Only the token for the MCP gateway')
            [CompletionResult]::new('--egress-only', '--egress-only', [CompletionResultType]::ParameterName, 'Only the tokens of outside services')
            [CompletionResult]::new('--agentcore-only', '--agentcore-only', [CompletionResultType]::ParameterName, 'Only the Bedrock AgentCore tokens')
            [CompletionResult]::new('--keycloak-only', '--keycloak-only', [CompletionResultType]::ParameterName, 'Only the Keycloak agents'' tokens')
            [CompletionResult]::new('--both', '--both', [CompletionResultType]::ParameterName, 'Ingress and egress')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Get new tokens even if there are good ones')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Get new tokens even if there are good ones')
            [CompletionResult]::new('--no-install', '--no-install', [CompletionResultType]::ParameterName, 'Write .oauth-tokens/*.json, but nothing into other programs'' files')
            [CompletionResult]::new('--browser', '--browser', [CompletionResultType]::ParameterName, 'Open the browser even without a terminal')
            [CompletionResult]::new('--no-browser', '--no-browser', [CompletionResultType]::ParameterName, 'Print the login address, open nothing, and wait for the answer')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcpauth;ingress' {
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'Read the client secret from this file, or from stdin for -')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Get a new token even if there is a good one')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Get a new token even if there is a good one')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;egress' {
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Only the sets of this provider')
            [CompletionResult]::new('--config-set', '--config-set', [CompletionResultType]::ParameterName, 'Only set N of the numbered variables')
            [CompletionResult]::new('--server-name', '--server-name', [CompletionResultType]::ParameterName, 'The MCP server the token is for; names the file')
            [CompletionResult]::new('--mcp-server-name', '--mcp-server-name', [CompletionResultType]::ParameterName, 'The MCP server the token is for; names the file')
            [CompletionResult]::new('--site', '--site', [CompletionResultType]::ParameterName, 'The site to use where one login covers several: name, URL or id')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'Read the client secret from this file, or from stdin for -')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Log in again even if there is a good token')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Log in again even if there is a good token')
            [CompletionResult]::new('--browser', '--browser', [CompletionResultType]::ParameterName, 'Open the browser even without a terminal')
            [CompletionResult]::new('--no-browser', '--no-browser', [CompletionResultType]::ParameterName, 'Print the login address, open nothing, and wait for the answer')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcpauth;agentcore' {
            [CompletionResult]::new('--gateway-name', '--gateway-name', [CompletionResultType]::ParameterName, 'The gateway of this name, in any case')
            [CompletionResult]::new('--gateway-index', '--gateway-index', [CompletionResultType]::ParameterName, 'Gateway N of the numbered variables')
            [CompletionResult]::new('--audience', '--audience', [CompletionResultType]::ParameterName, 'The audience, for servers that take JSON (Auth0)')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Every configured gateway (the default)')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Get new tokens even if there are good ones')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Get new tokens even if there are good ones')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;keycloak' {
            [CompletionResult]::new('--agent-name', '--agent-name', [CompletionResultType]::ParameterName, 'The agent: its file''s name without .json')
            [CompletionResult]::new('--keycloak-url', '--keycloak-url', [CompletionResultType]::ParameterName, 'Keycloak''s address, for files that name none')
            [CompletionResult]::new('--realm', '--realm', [CompletionResultType]::ParameterName, 'The realm, for files that name none')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--all-agents', '--all-agents', [CompletionResultType]::ParameterName, 'Every agent with a file (the default)')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Get new tokens even if there are good ones')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Get new tokens even if there are good ones')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcpauth;configure' {
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'What to set up')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Egress: the provider (mcpauth providers list)')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'The client id')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'Read the client secret from this file, or from stdin for -')
            [CompletionResult]::new('--redirect-uri', '--redirect-uri', [CompletionResultType]::ParameterName, 'Egress: the redirect URI as registered')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Egress: scopes instead of the provider''s defaults')
            [CompletionResult]::new('--server-name', '--server-name', [CompletionResultType]::ParameterName, 'Egress: the MCP server it is for')
            [CompletionResult]::new('--config-set', '--config-set', [CompletionResultType]::ParameterName, 'Egress: the number of the set [default: the first free one]')
            [CompletionResult]::new('--user-pool-id', '--user-pool-id', [CompletionResultType]::ParameterName, 'Cognito: the user pool''s id')
            [CompletionResult]::new('--keycloak-url', '--keycloak-url', [CompletionResultType]::ParameterName, 'Keycloak: its address')
            [CompletionResult]::new('--realm', '--realm', [CompletionResultType]::ParameterName, 'Keycloak: the realm')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'OpenID Connect: the issuer')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set any other variable, for example one a provider''s endpoints need; repeatable')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'The file to write')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask whether to write')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask whether to write')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcpauth;config' {
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'The settings in force, secrets redacted; with --client, that client''s configuration, secrets redacted')
            [CompletionResult]::new('render', 'render', [CompletionResultType]::ParameterValue, 'Print a client''s configuration as it would be written, secrets included')
            [CompletionResult]::new('install', 'install', [CompletionResultType]::ParameterValue, 'Merge our entries into the clients'' own files; everything else in them stays')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'mcpauth;config;show' {
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'A client (mcpauth config install --help lists them)')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Say where each value comes from')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;config;render' {
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'The client')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;config;install' {
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'The clients; all of them without this')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would change, values redacted, and write nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;config;help' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'The settings in force, secrets redacted; with --client, that client''s configuration, secrets redacted')
            [CompletionResult]::new('render', 'render', [CompletionResultType]::ParameterValue, 'Print a client''s configuration as it would be written, secrets included')
            [CompletionResult]::new('install', 'install', [CompletionResultType]::ParameterValue, 'Merge our entries into the clients'' own files; everything else in them stays')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'mcpauth;config;help;show' {
            break
        }
        'mcpauth;config;help;render' {
            break
        }
        'mcpauth;config;help;install' {
            break
        }
        'mcpauth;config;help;help' {
            break
        }
        'mcpauth;providers' {
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Every provider, built in or your own')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'What is known of one: endpoints, scopes, quirks, what to set')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Parse every provider file; exit code 7 if one is wrong')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'mcpauth;providers;list' {
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;providers;show' {
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;providers;check' {
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;providers;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Every provider, built in or your own')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'What is known of one: endpoints, scopes, quirks, what to set')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Parse every provider file; exit code 7 if one is wrong')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'mcpauth;providers;help;list' {
            break
        }
        'mcpauth;providers;help;show' {
            break
        }
        'mcpauth;providers;help;check' {
            break
        }
        'mcpauth;providers;help;help' {
            break
        }
        'mcpauth;gateway' {
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve: authenticate, decide, forward and filter')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the gateway''s settings, policy and servers; exit code 7 if something is wrong')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say whether a caller may do something, and which line of the policy decides')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run policy tests; exit code 7 if one fails')
            [CompletionResult]::new('routes', 'routes', [CompletionResultType]::ParameterValue, 'List the servers: where clients find them, where they are, what credential they get')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON schema of gateway.yaml, for editors')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'mcpauth;gateway;serve' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The gateway''s settings [default: ./gateway.yaml, else the environment]')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where clients connect, instead of what the settings say [default: 127.0.0.1:8080]')
            [CompletionResult]::new('--shadow', '--shadow', [CompletionResultType]::ParameterName, 'A second policy that decides nothing: what it would have refused is recorded')
            [CompletionResult]::new('--admin', '--admin', [CompletionResultType]::ParameterName, 'Where /metrics is served')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;gateway;check' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The gateway''s settings [default: ./gateway.yaml, else the environment]')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;gateway;explain' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The gateway''s settings [default: ./gateway.yaml, else the environment]')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'This policy instead of the gateway''s')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The server, by its path without slashes')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'The method, GET for the stream or DELETE for a session''s end [default: the one that is about what is named]')
            [CompletionResult]::new('--tool', '--tool', [CompletionResultType]::ParameterName, 'The tool it calls')
            [CompletionResult]::new('--prompt', '--prompt', [CompletionResultType]::ParameterName, 'The prompt it gets')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'The resource it reads')
            [CompletionResult]::new('--groups', '--groups', [CompletionResultType]::ParameterName, 'The caller''s groups')
            [CompletionResult]::new('--scopes', '--scopes', [CompletionResultType]::ParameterName, 'The token''s own scopes')
            [CompletionResult]::new('--claims', '--claims', [CompletionResultType]::ParameterName, 'A JSON object with the token''s claims, for the policy''s `when`')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;gateway;test' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The gateway''s settings [default: ./gateway.yaml, else the environment]')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'This policy instead of the gateway''s')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;gateway;routes' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The gateway''s settings [default: ./gateway.yaml, else the environment]')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;gateway;schema' {
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;gateway;help' {
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve: authenticate, decide, forward and filter')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the gateway''s settings, policy and servers; exit code 7 if something is wrong')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say whether a caller may do something, and which line of the policy decides')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run policy tests; exit code 7 if one fails')
            [CompletionResult]::new('routes', 'routes', [CompletionResultType]::ParameterValue, 'List the servers: where clients find them, where they are, what credential they get')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON schema of gateway.yaml, for editors')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'mcpauth;gateway;help;serve' {
            break
        }
        'mcpauth;gateway;help;check' {
            break
        }
        'mcpauth;gateway;help;explain' {
            break
        }
        'mcpauth;gateway;help;test' {
            break
        }
        'mcpauth;gateway;help;routes' {
            break
        }
        'mcpauth;gateway;help;schema' {
            break
        }
        'mcpauth;gateway;help;help' {
            break
        }
        'mcpauth;demo' {
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Leave it running and print what to try')
            [CompletionResult]::new('--browser', '--browser', [CompletionResultType]::ParameterName, 'Log in by hand, in the browser')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;completions' {
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'Read settings from this file instead of ./.env and the reference''s places; repeatable, a later one wins')
            [CompletionResult]::new('--tokens-dir', '--tokens-dir', [CompletionResultType]::ParameterName, 'Keep credentials in this folder [default: .oauth-tokens]')
            [CompletionResult]::new('--storage', '--storage', [CompletionResultType]::ParameterName, 'Where secrets go: 0600 files, the system''s keyring, or the keyring if it works [default: file]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colours')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout; errors as JSON on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; never a secret')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Plain http to other machines is meant')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'mcpauth;help' {
            [CompletionResult]::new('generate', 'generate', [CompletionResultType]::ParameterValue, 'Get every configured credential, then write the client configurations')
            [CompletionResult]::new('ingress', 'ingress', [CompletionResultType]::ParameterValue, 'Get the token that lets agents through the gateway (client credentials)')
            [CompletionResult]::new('egress', 'egress', [CompletionResultType]::ParameterValue, 'Log in to outside services (authorization code with PKCE) and keep their tokens')
            [CompletionResult]::new('agentcore', 'agentcore', [CompletionResultType]::ParameterValue, 'Get tokens for Amazon Bedrock AgentCore gateways (client credentials)')
            [CompletionResult]::new('keycloak', 'keycloak', [CompletionResultType]::ParameterValue, 'Get tokens for Keycloak agents, from agent-NAME.json in the tokens directory')
            [CompletionResult]::new('configure', 'configure', [CompletionResultType]::ParameterValue, 'Ask for a credential''s settings and write them to .env (0600, existing lines kept)')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show settings, and render or install client configurations')
            [CompletionResult]::new('providers', 'providers', [CompletionResultType]::ParameterValue, 'List, show and check the outside services one can log in to')
            [CompletionResult]::new('gateway', 'gateway', [CompletionResultType]::ParameterValue, 'Serve the gateway, check and explain its settings, policy and servers')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Show everything on this machine: an identity provider for development, every flow against it, the gateway at work')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script for a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'mcpauth;help;generate' {
            break
        }
        'mcpauth;help;ingress' {
            break
        }
        'mcpauth;help;egress' {
            break
        }
        'mcpauth;help;agentcore' {
            break
        }
        'mcpauth;help;keycloak' {
            break
        }
        'mcpauth;help;configure' {
            break
        }
        'mcpauth;help;config' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'The settings in force, secrets redacted; with --client, that client''s configuration, secrets redacted')
            [CompletionResult]::new('render', 'render', [CompletionResultType]::ParameterValue, 'Print a client''s configuration as it would be written, secrets included')
            [CompletionResult]::new('install', 'install', [CompletionResultType]::ParameterValue, 'Merge our entries into the clients'' own files; everything else in them stays')
            break
        }
        'mcpauth;help;config;show' {
            break
        }
        'mcpauth;help;config;render' {
            break
        }
        'mcpauth;help;config;install' {
            break
        }
        'mcpauth;help;providers' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Every provider, built in or your own')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'What is known of one: endpoints, scopes, quirks, what to set')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Parse every provider file; exit code 7 if one is wrong')
            break
        }
        'mcpauth;help;providers;list' {
            break
        }
        'mcpauth;help;providers;show' {
            break
        }
        'mcpauth;help;providers;check' {
            break
        }
        'mcpauth;help;gateway' {
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Serve: authenticate, decide, forward and filter')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the gateway''s settings, policy and servers; exit code 7 if something is wrong')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Say whether a caller may do something, and which line of the policy decides')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run policy tests; exit code 7 if one fails')
            [CompletionResult]::new('routes', 'routes', [CompletionResultType]::ParameterValue, 'List the servers: where clients find them, where they are, what credential they get')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON schema of gateway.yaml, for editors')
            break
        }
        'mcpauth;help;gateway;serve' {
            break
        }
        'mcpauth;help;gateway;check' {
            break
        }
        'mcpauth;help;gateway;explain' {
            break
        }
        'mcpauth;help;gateway;test' {
            break
        }
        'mcpauth;help;gateway;routes' {
            break
        }
        'mcpauth;help;gateway;schema' {
            break
        }
        'mcpauth;help;demo' {
            break
        }
        'mcpauth;help;completions' {
            break
        }
        'mcpauth;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
