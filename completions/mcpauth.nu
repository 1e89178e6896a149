module completions {

  def "nu-complete mcpauth storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth color" [] {
    [ "auto" "always" "never" ]
  }

  # Gets the credentials AI agents need for MCP servers, keeps them and hands them out without leaking them
  export extern mcpauth [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete mcpauth generate provider" [] {
    ^mcpauth complete mcpauth generate --provider '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth generate storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth generate color" [] {
    [ "auto" "always" "never" ]
  }

  # Get every configured credential, then write the client configurations
  export extern "mcpauth generate" [
    --all                     # All flows (the default)
    --ingress-only            # Only the token for the MCP gateway
    --egress-only             # Only the tokens of outside services
    --agentcore-only          # Only the Bedrock AgentCore tokens
    --keycloak-only           # Only the Keycloak agents' tokens
    --both                    # Ingress and egress
    --provider: string@"nu-complete mcpauth generate provider" # Egress for this provider only [default: EGRESS_PROVIDER_NAME, else all]
    --force(-f)               # Get new tokens even if there are good ones
    --no-install              # Write .oauth-tokens/*.json, but nothing into other programs' files
    --browser                 # Open the browser even without a terminal
    --no-browser              # Print the login address, open nothing, and wait for the answer
    --device                  # Log in with a code that is entered on another device, where the provider allows it
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth generate storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth generate color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth ingress storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth ingress color" [] {
    [ "auto" "always" "never" ]
  }

  # Get the token that lets agents through the gateway (client credentials)
  export extern "mcpauth ingress" [
    --force(-f)               # Get a new token even if there is a good one
    --client-secret-file: path # Read the client secret from this file, or from stdin for -
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth ingress storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth ingress color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth egress provider" [] {
    ^mcpauth complete mcpauth egress --provider '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth egress storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth egress color" [] {
    [ "auto" "always" "never" ]
  }

  # Log in to outside services (authorization code with PKCE) and keep their tokens
  export extern "mcpauth egress" [
    --provider: string@"nu-complete mcpauth egress provider" # Only the sets of this provider
    --config-set: string      # Only set N of the numbered variables
    --server-name: string     # The MCP server the token is for; names the file
    --mcp-server-name: string # The MCP server the token is for; names the file
    --site: string            # The site to use where one login covers several: name, URL or id
    --force(-f)               # Log in again even if there is a good token
    --client-secret-file: path # Read the client secret from this file, or from stdin for -
    --browser                 # Open the browser even without a terminal
    --no-browser              # Print the login address, open nothing, and wait for the answer
    --device                  # Log in with a code that is entered on another device, where the provider allows it
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth egress storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth egress color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth login storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth login color" [] {
    [ "auto" "always" "never" ]
  }

  # Log in to any MCP server by its address alone, and keep its token
  export extern "mcpauth login" [
    --server-name: string     # Call it so, and not by its host's name
    --mcp-server-name: string # Call it so, and not by its host's name
    --client-id: string       # Be this client, which is registered already
    --client-secret-file: path # Read the client secret from this file, or from stdin for -
    --private-key-file: path  # Prove who the client is with the private key in this file (PEM, 0600: P-256, Ed25519 or RSA), which stays where it is
    --key-id: string          # What the issuer calls this key
    --redirect-uri: string    # The redirect URI that this client is registered with [default: http://127.0.0.1:8080/callback, with a path of its own for an issuer that does not name itself in its answers (RFC 9207)]
    --client-credentials      # Get the token for the client itself, without a person; so it is by itself at an issuer that has no other way
    --scope: string           # Ask for this scope, and not for those the server names; repeatable
    --force(-f)               # Find out everything, register and log in again, even if there is a good token
    --issuer: string          # Log in at this issuer, of those that the server names [default: the first that can be used]
    --assume-pkce-s256        # The issuer does PKCE with S256 though it does not say so
    --browser                 # Open the browser even without a terminal
    --no-browser              # Print the login address, open nothing, and wait for the answer
    --device                  # Log in with a code that is entered on another device, where the provider allows it
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth login storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth login color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
    url: string               # The MCP server's address
  ]

  def "nu-complete mcpauth client-metadata storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth client-metadata color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the document that describes mcpauth as a client, to be put at an address of yours
  export extern "mcpauth client-metadata" [
    --url: string             # Where it will be [default: MCPAUTH_CLIENT_METADATA_URL]
    --issuer: string          # List the redirect URI for this issuer too, which does not name itself in its answers (RFC 9207); repeatable
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth client-metadata storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth client-metadata color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth agentcore storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth agentcore color" [] {
    [ "auto" "always" "never" ]
  }

  # Get tokens for Amazon Bedrock AgentCore gateways (client credentials)
  export extern "mcpauth agentcore" [
    --all                     # Every configured gateway (the default)
    --gateway-name: string    # The gateway of this name, in any case
    --gateway-index: string   # Gateway N of the numbered variables
    --audience: string        # The audience, for servers that take JSON (Auth0)
    --force(-f)               # Get new tokens even if there are good ones
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth agentcore storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth agentcore color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth keycloak storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth keycloak color" [] {
    [ "auto" "always" "never" ]
  }

  # Get tokens for Keycloak agents, from agent-NAME.json in the tokens directory
  export extern "mcpauth keycloak" [
    --agent-name: string      # The agent: its file's name without .json
    --all-agents              # Every agent with a file (the default)
    --keycloak-url: string    # Keycloak's address, for files that name none
    --realm: string           # The realm, for files that name none
    --force(-f)               # Get new tokens even if there are good ones
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth keycloak storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth keycloak color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth configure kind" [] {
    [ "cognito" "keycloak" "oidc" "egress" ]
  }

  def "nu-complete mcpauth configure provider" [] {
    ^mcpauth complete mcpauth configure --provider '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth configure storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth configure color" [] {
    [ "auto" "always" "never" ]
  }

  # Ask for a credential's settings and write them to .env (0600, existing lines kept)
  export extern "mcpauth configure" [
    --kind: string@"nu-complete mcpauth configure kind" # What to set up
    --provider: string@"nu-complete mcpauth configure provider" # Egress: the provider (mcpauth providers list)
    --client-id: string       # The client id
    --client-secret-file: path # Read the client secret from this file, or from stdin for -
    --redirect-uri: string    # Egress: the redirect URI as registered
    --scope: string           # Egress: scopes instead of the provider's defaults
    --server-name: string     # Egress: the MCP server it is for
    --config-set: string      # Egress: the number of the set [default: the first free one]
    --user-pool-id: string    # Cognito: the user pool's id
    --keycloak-url: string    # Keycloak: its address
    --realm: string           # Keycloak: the realm
    --issuer: string          # OpenID Connect: the issuer
    --set: string             # Set any other variable, for example one a provider's endpoints need; repeatable
    --write: path             # The file to write
    --yes(-y)                 # Do not ask whether to write
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth configure storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth configure color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth config storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth config color" [] {
    [ "auto" "always" "never" ]
  }

  # Show settings, and render or install client configurations
  export extern "mcpauth config" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth config storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth config color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth config show client" [] {
    [ "vscode-legacy" "roo" "vscode" "claude-code" "claude-desktop" "cursor" "cline" "windsurf" "zed" "gemini" "antigravity" "codex" "continue" "goose" "junie" "copilot" "opencode" ]
  }

  def "nu-complete mcpauth config show auth_mode" [] {
    [ "inline" "helper" "bridge" "proxy" "env" ]
  }

  def "nu-complete mcpauth config show storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth config show color" [] {
    [ "auto" "always" "never" ]
  }

  # The settings in force; with --client, that client's configuration; secrets redacted in both
  export extern "mcpauth config show" [
    --origin                  # Say where each value comes from
    --client: string@"nu-complete mcpauth config show client" # A client (--clients lists them): its configuration, where it goes, and what else it can have
    --auth-mode: string@"nu-complete mcpauth config show auth_mode" # With --client: where the client has the headers from
    --clients                 # The clients, where each has the headers from, and its file
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth config show storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth config show color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth config render client" [] {
    [ "vscode-legacy" "roo" "vscode" "claude-code" "claude-desktop" "cursor" "cline" "windsurf" "zed" "gemini" "antigravity" "codex" "continue" "goose" "junie" "copilot" "opencode" ]
  }

  def "nu-complete mcpauth config render auth_mode" [] {
    [ "inline" "helper" "bridge" "proxy" "env" ]
  }

  def "nu-complete mcpauth config render storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth config render color" [] {
    [ "auto" "always" "never" ]
  }

  # Print a client's configuration as it would be written, secrets included
  export extern "mcpauth config render" [
    --client: string@"nu-complete mcpauth config render client" # The client
    --auth-mode: string@"nu-complete mcpauth config render auth_mode" # Where the client has the headers from
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth config render storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth config render color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth config install client" [] {
    [ "vscode-legacy" "roo" "vscode" "claude-code" "claude-desktop" "cursor" "cline" "windsurf" "zed" "gemini" "antigravity" "codex" "continue" "goose" "junie" "copilot" "opencode" ]
  }

  def "nu-complete mcpauth config install auth_mode" [] {
    [ "inline" "helper" "bridge" "proxy" "env" ]
  }

  def "nu-complete mcpauth config install storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth config install color" [] {
    [ "auto" "always" "never" ]
  }

  # Merge our entries into the clients' own files; everything else in them stays
  export extern "mcpauth config install" [
    --client: string@"nu-complete mcpauth config install client" # The clients; without this those that are found here, and those that were installed to before
    --auth-mode: string@"nu-complete mcpauth config install auth_mode" # Where the clients have the headers from; without this as before, else as is best for each
    --dry-run                 # Show what would change, values redacted, and write nothing
    --check                   # Only say which files are not as they should be; exit 7 if there are any
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth config install storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth config install color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "mcpauth config help" [
  ]

  # The settings in force; with --client, that client's configuration; secrets redacted in both
  export extern "mcpauth config help show" [
  ]

  # Print a client's configuration as it would be written, secrets included
  export extern "mcpauth config help render" [
  ]

  # Merge our entries into the clients' own files; everything else in them stays
  export extern "mcpauth config help install" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "mcpauth config help help" [
  ]

  def "nu-complete mcpauth refresh unit" [] {
    [ "systemd" "launchd" ]
  }

  def "nu-complete mcpauth refresh storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth refresh color" [] {
    [ "auto" "always" "never" ]
  }

  # Keep tokens fresh, and the client configurations with them
  export extern "mcpauth refresh" [
    --once                    # One pass over everything that is due, then a summary
    --force(-f)               # With --once: renew everything, due or not
    --interval: string        # Time between two looks at the files, for what others did, as in 300 or 5m [default: TOKEN_REFRESH_INTERVAL, else 5m]
    --buffer: string          # Time before its end at which a token is renewed, a fifth of its life at most, as in 3600 or 1h [default: TOKEN_EXPIRY_BUFFER, else 1h]
    --on-login-needed: string # Run this by your shell when a person is needed, once each time; it finds MCPAUTH_CREDENTIAL and MCPAUTH_COMMAND in its environment
    --no-install              # Write .oauth-tokens/*.json, but nothing into other programs' files
    --unit: string@"nu-complete mcpauth refresh unit" # Print a service file for this folder and these settings
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth refresh storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth refresh color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth status storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth status color" [] {
    [ "auto" "always" "never" ]
  }

  # What is kept, until when it is good, and what to type
  export extern "mcpauth status" [
    --check                   # Exit code 7 unless everything is good, or due and renewed without a person
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth status storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth status color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth inspect what" [] {
    ^mcpauth complete mcpauth inspect '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth inspect storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth inspect color" [] {
    [ "auto" "always" "never" ]
  }

  # Decode a token, and verify it with its issuer's keys
  export extern "mcpauth inspect" [
    --verify                  # Exit code 0 only if it is verified and in its time
    --issuer: string          # The issuer it must be of, whose keys are fetched
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth inspect storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth inspect color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
    what: string@"nu-complete mcpauth inspect what" # A credential by its name in mcpauth status, a token's file, or - for a token on stdin
  ]

  def "nu-complete mcpauth token name" [] {
    ^mcpauth complete mcpauth token '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth token storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth token color" [] {
    [ "auto" "always" "never" ]
  }

  # Print a fresh access token, and nothing else
  export extern "mcpauth token" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth token storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth token color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
    name: string@"nu-complete mcpauth token name" # A credential, by its name in mcpauth status: its file, server, provider, agent, or ingress
  ]

  def "nu-complete mcpauth headers name" [] {
    ^mcpauth complete mcpauth headers '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth headers server" [] {
    ^mcpauth complete mcpauth headers --server '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth headers storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth headers color" [] {
    [ "auto" "always" "never" ]
  }

  # Print a server's headers as one JSON object, every token in them fresh
  export extern "mcpauth headers" [
    --server: string@"nu-complete mcpauth headers server" # The same
    --auth                    # Send the gateway's token to an address that is not below REGISTRY_URL, for this once
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth headers storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth headers color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
    name?: string@"nu-complete mcpauth headers name" # The server's name, or its address
  ]

  def "nu-complete mcpauth env server" [] {
    ^mcpauth complete mcpauth env '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth env shell" [] {
    [ "sh" "bash" "zsh" "fish" "powershell" "nu" ]
  }

  def "nu-complete mcpauth env storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth env color" [] {
    [ "auto" "always" "never" ]
  }

  # Print fresh credentials as shell variables
  export extern "mcpauth env" [
    --shell: string@"nu-complete mcpauth env shell" # Whose language to write [default: by $SHELL]
    --auth                    # Send the gateway's token to an address that is not below REGISTRY_URL, for this once
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth env storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth env color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
    server?: string@"nu-complete mcpauth env server" # The server's name, or its address; every server without this
  ]

  def "nu-complete mcpauth exec servers" [] {
    ^mcpauth complete mcpauth exec '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth exec storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth exec color" [] {
    [ "auto" "always" "never" ]
  }

  # Run a command with a server's fresh credentials in its environment
  export extern "mcpauth exec" [
    --auth                    # Send the gateway's token to an address that is not below REGISTRY_URL, for this once
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth exec storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth exec color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
    ...servers: string@"nu-complete mcpauth exec servers" # The servers' names, or their addresses
  ]

  def "nu-complete mcpauth logout name" [] {
    ^mcpauth complete mcpauth logout '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth logout storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth logout color" [] {
    [ "auto" "always" "never" ]
  }

  # Forget credentials, and revoke them where the provider can
  export extern "mcpauth logout" [
    --all                     # Everything that is kept
    --revoke                  # Have the server take the tokens back, the refresh token first
    --yes(-y)                 # Do not ask whether everything is meant
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth logout storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth logout color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
    name?: string@"nu-complete mcpauth logout name" # A credential, by its name in mcpauth status
  ]

  def "nu-complete mcpauth probe server" [] {
    ^mcpauth complete mcpauth probe --server '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth probe storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth probe color" [] {
    [ "auto" "always" "never" ]
  }

  # Connect to an MCP server, ping it and list its tools, step by step
  export extern "mcpauth probe" [
    --url: string             # The server's address [default: GATEWAY_URL, else http://localhost:8003/mcp]
    --server: string@"nu-complete mcpauth probe server" # One of your servers, by its name
    --auth                    # Send the gateway's token to an address that is not below REGISTRY_URL, for this once
    --no-auth                 # Send no credentials
    --token-file: path        # Send the token in this file (0600; - for stdin) in Authorization, for the server itself
    --timeout: string         # How long all of it may take, as in 60 or 5m
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth probe storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth probe color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth ping server" [] {
    ^mcpauth complete mcpauth ping --server '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth ping storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth ping color" [] {
    [ "auto" "always" "never" ]
  }

  # Ping an MCP server
  export extern "mcpauth ping" [
    --url: string             # The server's address [default: GATEWAY_URL, else http://localhost:8003/mcp]
    --server: string@"nu-complete mcpauth ping server" # One of your servers, by its name
    --auth                    # Send the gateway's token to an address that is not below REGISTRY_URL, for this once
    --no-auth                 # Send no credentials
    --token-file: path        # Send the token in this file (0600; - for stdin) in Authorization, for the server itself
    --timeout: string         # How long all of it may take, as in 60 or 5m
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth ping storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth ping color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth list server" [] {
    ^mcpauth complete mcpauth list --server '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth list storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth list color" [] {
    [ "auto" "always" "never" ]
  }

  # List an MCP server's tools
  export extern "mcpauth list" [
    --url: string             # The server's address [default: GATEWAY_URL, else http://localhost:8003/mcp]
    --server: string@"nu-complete mcpauth list server" # One of your servers, by its name
    --auth                    # Send the gateway's token to an address that is not below REGISTRY_URL, for this once
    --no-auth                 # Send no credentials
    --token-file: path        # Send the token in this file (0600; - for stdin) in Authorization, for the server itself
    --timeout: string         # How long all of it may take, as in 60 or 5m
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth list storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth list color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth call server" [] {
    ^mcpauth complete mcpauth call --server '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth call storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth call color" [] {
    [ "auto" "always" "never" ]
  }

  # Call a tool of an MCP server
  export extern "mcpauth call" [
    --url: string             # The server's address [default: GATEWAY_URL, else http://localhost:8003/mcp]
    --server: string@"nu-complete mcpauth call server" # One of your servers, by its name
    --auth                    # Send the gateway's token to an address that is not below REGISTRY_URL, for this once
    --no-auth                 # Send no credentials
    --token-file: path        # Send the token in this file (0600; - for stdin) in Authorization, for the server itself
    --timeout: string         # How long all of it may take, as in 60 or 5m
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth call storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth call color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
    tool: string              # The tool's name
    arguments?: string        # Its arguments: a JSON object, @FILE, or - for stdin
  ]

  def "nu-complete mcpauth bridge name" [] {
    ^mcpauth complete mcpauth bridge '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth bridge server" [] {
    ^mcpauth complete mcpauth bridge --server '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth bridge storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth bridge color" [] {
    [ "auto" "always" "never" ]
  }

  # Stand before a remote MCP server, with fresh credentials on every request
  export extern "mcpauth bridge" [
    --server: string@"nu-complete mcpauth bridge server" # The same
    --listen: string          # Serve all servers over HTTP on this loopback address
    --auth                    # Send the gateway's token to an address that is not below REGISTRY_URL, for this once
    --only-tool: string       # Only this tool, by a token that the gateway makes for it; repeatable
    --only-scope: string      # Only this scope; repeatable
    --agent: string           # The client's name, for the gateway's audit and its list of tokens
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth bridge storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth bridge color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
    name?: string@"nu-complete mcpauth bridge name" # The server's name, or its address
  ]

  def "nu-complete mcpauth doctor storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth doctor color" [] {
    [ "auto" "always" "never" ]
  }

  # Say what is wrong, and how to mend it; exit code 7 if there is a problem
  export extern "mcpauth doctor" [
    --fix                     # Mend what is safe: modes of our own files, files that a killed run left, stale entries of ours in clients' files
    --offline                 # Ask nobody over the network
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth doctor storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth doctor color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth providers storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth providers color" [] {
    [ "auto" "always" "never" ]
  }

  # List, show and check the outside services one can log in to
  export extern "mcpauth providers" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth providers storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth providers color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth providers list storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth providers list color" [] {
    [ "auto" "always" "never" ]
  }

  # Every provider, built in or your own
  export extern "mcpauth providers list" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth providers list storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth providers list color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth providers show name" [] {
    ^mcpauth complete mcpauth providers show '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth providers show storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth providers show color" [] {
    [ "auto" "always" "never" ]
  }

  # What is known of one: endpoints, scopes, quirks, what to set
  export extern "mcpauth providers show" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth providers show storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth providers show color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
    name: string@"nu-complete mcpauth providers show name" # Its name
  ]

  def "nu-complete mcpauth providers check storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth providers check color" [] {
    [ "auto" "always" "never" ]
  }

  # Parse every provider file; exit code 7 if one is wrong
  export extern "mcpauth providers check" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth providers check storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth providers check color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth providers schema storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth providers schema color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the JSON schema of provider files, for editors
  export extern "mcpauth providers schema" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth providers schema storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth providers schema color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "mcpauth providers help" [
  ]

  # Every provider, built in or your own
  export extern "mcpauth providers help list" [
  ]

  # What is known of one: endpoints, scopes, quirks, what to set
  export extern "mcpauth providers help show" [
  ]

  # Parse every provider file; exit code 7 if one is wrong
  export extern "mcpauth providers help check" [
  ]

  # Print the JSON schema of provider files, for editors
  export extern "mcpauth providers help schema" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "mcpauth providers help help" [
  ]

  def "nu-complete mcpauth gateway storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway color" [] {
    [ "auto" "always" "never" ]
  }

  # Serve the gateway, check and explain its settings, policy and servers
  export extern "mcpauth gateway" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth gateway serve storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway serve color" [] {
    [ "auto" "always" "never" ]
  }

  # Serve: authenticate, decide, forward and filter
  export extern "mcpauth gateway serve" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --listen: string          # Where clients connect, instead of what the settings say [default: 127.0.0.1:8080]
    --shadow: path            # A second policy that decides nothing: what it would have refused is recorded
    --admin: string           # Where /metrics is served
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway serve storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway serve color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth gateway check storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway check color" [] {
    [ "auto" "always" "never" ]
  }

  # Check the gateway's settings, policy and servers; exit code 7 if something is wrong
  export extern "mcpauth gateway check" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway check storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway check color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth gateway explain server" [] {
    ^mcpauth complete mcpauth gateway explain --server '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth gateway explain token" [] {
    ^mcpauth complete mcpauth gateway explain --token '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth gateway explain storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway explain color" [] {
    [ "auto" "always" "never" ]
  }

  # Say whether a caller may do something, and which line of the policy decides
  export extern "mcpauth gateway explain" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --policy: path            # This policy instead of the gateway's
    --server: string@"nu-complete mcpauth gateway explain server" # The server, by its path without slashes
    --method: string          # The method, GET for the stream or DELETE for a session's end [default: the one that is about what is named]
    --tool: string            # The tool it calls
    --prompt: string          # The prompt it gets
    --resource: string        # The resource it reads
    --groups: string          # The caller's groups
    --scopes: string          # The token's own scopes
    --claims: path            # A JSON object with the token's claims, for the policy's `when`
    --token: string@"nu-complete mcpauth gateway explain token" # The caller is who brings this token: a credential by its name in mcpauth status, a token's file, or - for stdin
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway explain storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway explain color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth gateway test storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway test color" [] {
    [ "auto" "always" "never" ]
  }

  # Run policy tests; exit code 7 if one fails, or is about a server or group that does not exist
  export extern "mcpauth gateway test" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --policy: path            # This policy instead of the gateway's
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway test storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway test color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
    cases: path               # The tests
  ]

  def "nu-complete mcpauth gateway routes storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway routes color" [] {
    [ "auto" "always" "never" ]
  }

  # List the servers: where clients find them, where they are, what credential they get, whether they answer
  export extern "mcpauth gateway routes" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --offline                 # Ask no server whether it answers
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway routes storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway routes color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth gateway token server" [] {
    ^mcpauth complete mcpauth gateway token --server '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth gateway token storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway token color" [] {
    [ "auto" "always" "never" ]
  }

  # Print a token of the gateway's own for one job, list such tokens, or take them back
  export extern "mcpauth gateway token" [
    --server: string@"nu-complete mcpauth gateway token server" # A server it opens, by its path without slashes; repeatable [default: all that you may use]
    --tool: string            # A tool it may call there; repeatable [default: all that you may call]
    --scope: string           # A scope of yours that it has; repeatable [default: all]
    --ttl: string             # How long it is good, a day at the most [default: 1h]
    --agent: string           # Who will hold it, for the audit and the list
    --description: string     # What it is for
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway token storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway token color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth gateway token list storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway token list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the tokens that are not at their end, and when each was last used
  export extern "mcpauth gateway token list" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway token list storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway token list color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth gateway token revoke storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway token revoke color" [] {
    [ "auto" "always" "never" ]
  }

  # Take tokens back: every gateway that shares the files refuses them within a second
  export extern "mcpauth gateway token revoke" [
    --owner: string           # All of one owner's, by subject or name
    --all                     # All there are
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway token revoke storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway token revoke color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
    ...ids: string            # Tokens, by the ids that the list shows
  ]

  def "nu-complete mcpauth gateway token key storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway token key color" [] {
    [ "auto" "always" "never" ]
  }

  # Make a new key that signs them; tokens signed by older keys beside it stay good
  export extern "mcpauth gateway token key" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway token key storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway token key color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "mcpauth gateway token help" [
  ]

  # List the tokens that are not at their end, and when each was last used
  export extern "mcpauth gateway token help list" [
  ]

  # Take tokens back: every gateway that shares the files refuses them within a second
  export extern "mcpauth gateway token help revoke" [
  ]

  # Make a new key that signs them; tokens signed by older keys beside it stay good
  export extern "mcpauth gateway token help key" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "mcpauth gateway token help help" [
  ]

  def "nu-complete mcpauth gateway schema storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway schema color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the JSON schema of gateway.yaml, for editors
  export extern "mcpauth gateway schema" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway schema storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth gateway schema color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "mcpauth gateway help" [
  ]

  # Serve: authenticate, decide, forward and filter
  export extern "mcpauth gateway help serve" [
  ]

  # Check the gateway's settings, policy and servers; exit code 7 if something is wrong
  export extern "mcpauth gateway help check" [
  ]

  # Say whether a caller may do something, and which line of the policy decides
  export extern "mcpauth gateway help explain" [
  ]

  # Run policy tests; exit code 7 if one fails, or is about a server or group that does not exist
  export extern "mcpauth gateway help test" [
  ]

  # List the servers: where clients find them, where they are, what credential they get, whether they answer
  export extern "mcpauth gateway help routes" [
  ]

  # Print a token of the gateway's own for one job, list such tokens, or take them back
  export extern "mcpauth gateway help token" [
  ]

  # List the tokens that are not at their end, and when each was last used
  export extern "mcpauth gateway help token list" [
  ]

  # Take tokens back: every gateway that shares the files refuses them within a second
  export extern "mcpauth gateway help token revoke" [
  ]

  # Make a new key that signs them; tokens signed by older keys beside it stay good
  export extern "mcpauth gateway help token key" [
  ]

  # Print the JSON schema of gateway.yaml, for editors
  export extern "mcpauth gateway help schema" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "mcpauth gateway help help" [
  ]

  def "nu-complete mcpauth demo storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth demo color" [] {
    [ "auto" "always" "never" ]
  }

  # Show everything on this machine: an identity provider for development, every flow against it, the gateway at work
  export extern "mcpauth demo" [
    --keep                    # Leave it running and print what to try
    --browser                 # Log in by hand, in the browser
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth demo storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth demo color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth completions shell" [] {
    [ "bash" "elvish" "fish" "nushell" "powershell" "zsh" ]
  }

  def "nu-complete mcpauth completions storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth completions color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the completion script for a shell
  export extern "mcpauth completions" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth completions storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth completions color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
    shell: string@"nu-complete mcpauth completions shell" # The shell
  ]

  def "nu-complete mcpauth complete storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth complete color" [] {
    [ "auto" "always" "never" ]
  }

  # Print what may come next on a command line, one candidate a line: the word, a tab, what it means
  export extern "mcpauth complete" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth complete storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth complete color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
    ...words: string          # The words so far; the one under the cursor comes last, with a = before it so that it is never empty
  ]

  def "nu-complete mcpauth man storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth man color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the manual page, or write one page for every verb
  export extern "mcpauth man" [
    --dir: path               # Write mcpauth.1, mcpauth-generate.1 and so on into this folder instead
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth man storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth man color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth open-page storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth open-page color" [] {
    [ "auto" "always" "never" ]
  }

  # Open the page whose address is on stdin
  export extern "mcpauth open-page" [
    --env-file: path          # Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    --found-env-file: path    # The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    --no-env-file             # Read settings from no file at all
    --tokens-dir: path        # Keep credentials in this folder [default: .oauth-tokens]
    --servers-dir: path       # The registry's server files are in this folder [default: servers, else registry/servers]
    --providers-file: path    # The outside services are in this file, as the MCP Gateway Registry's scripts have them [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth open-page storage" # Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    --json                    # One JSON object on stdout; errors as JSON on stderr
    --quiet(-q)               # Errors only
    --verbose(-v)             # Say more; never a secret
    --color: string@"nu-complete mcpauth open-page color" # Colours
    --ca-cert: path           # Believe these certification authorities too (PEM), beside the system's
    --allow-http              # Plain http to other machines is meant
    --help(-h)                # Print help
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "mcpauth help" [
  ]

  # Get every configured credential, then write the client configurations
  export extern "mcpauth help generate" [
  ]

  # Get the token that lets agents through the gateway (client credentials)
  export extern "mcpauth help ingress" [
  ]

  # Log in to outside services (authorization code with PKCE) and keep their tokens
  export extern "mcpauth help egress" [
  ]

  # Log in to any MCP server by its address alone, and keep its token
  export extern "mcpauth help login" [
  ]

  # Print the document that describes mcpauth as a client, to be put at an address of yours
  export extern "mcpauth help client-metadata" [
  ]

  # Get tokens for Amazon Bedrock AgentCore gateways (client credentials)
  export extern "mcpauth help agentcore" [
  ]

  # Get tokens for Keycloak agents, from agent-NAME.json in the tokens directory
  export extern "mcpauth help keycloak" [
  ]

  # Ask for a credential's settings and write them to .env (0600, existing lines kept)
  export extern "mcpauth help configure" [
  ]

  # Show settings, and render or install client configurations
  export extern "mcpauth help config" [
  ]

  # The settings in force; with --client, that client's configuration; secrets redacted in both
  export extern "mcpauth help config show" [
  ]

  # Print a client's configuration as it would be written, secrets included
  export extern "mcpauth help config render" [
  ]

  # Merge our entries into the clients' own files; everything else in them stays
  export extern "mcpauth help config install" [
  ]

  # Keep tokens fresh, and the client configurations with them
  export extern "mcpauth help refresh" [
  ]

  # What is kept, until when it is good, and what to type
  export extern "mcpauth help status" [
  ]

  # Decode a token, and verify it with its issuer's keys
  export extern "mcpauth help inspect" [
  ]

  # Print a fresh access token, and nothing else
  export extern "mcpauth help token" [
  ]

  # Print a server's headers as one JSON object, every token in them fresh
  export extern "mcpauth help headers" [
  ]

  # Print fresh credentials as shell variables
  export extern "mcpauth help env" [
  ]

  # Run a command with a server's fresh credentials in its environment
  export extern "mcpauth help exec" [
  ]

  # Forget credentials, and revoke them where the provider can
  export extern "mcpauth help logout" [
  ]

  # Connect to an MCP server, ping it and list its tools, step by step
  export extern "mcpauth help probe" [
  ]

  # Ping an MCP server
  export extern "mcpauth help ping" [
  ]

  # List an MCP server's tools
  export extern "mcpauth help list" [
  ]

  # Call a tool of an MCP server
  export extern "mcpauth help call" [
  ]

  # Stand before a remote MCP server, with fresh credentials on every request
  export extern "mcpauth help bridge" [
  ]

  # Say what is wrong, and how to mend it; exit code 7 if there is a problem
  export extern "mcpauth help doctor" [
  ]

  # List, show and check the outside services one can log in to
  export extern "mcpauth help providers" [
  ]

  # Every provider, built in or your own
  export extern "mcpauth help providers list" [
  ]

  # What is known of one: endpoints, scopes, quirks, what to set
  export extern "mcpauth help providers show" [
  ]

  # Parse every provider file; exit code 7 if one is wrong
  export extern "mcpauth help providers check" [
  ]

  # Print the JSON schema of provider files, for editors
  export extern "mcpauth help providers schema" [
  ]

  # Serve the gateway, check and explain its settings, policy and servers
  export extern "mcpauth help gateway" [
  ]

  # Serve: authenticate, decide, forward and filter
  export extern "mcpauth help gateway serve" [
  ]

  # Check the gateway's settings, policy and servers; exit code 7 if something is wrong
  export extern "mcpauth help gateway check" [
  ]

  # Say whether a caller may do something, and which line of the policy decides
  export extern "mcpauth help gateway explain" [
  ]

  # Run policy tests; exit code 7 if one fails, or is about a server or group that does not exist
  export extern "mcpauth help gateway test" [
  ]

  # List the servers: where clients find them, where they are, what credential they get, whether they answer
  export extern "mcpauth help gateway routes" [
  ]

  # Print a token of the gateway's own for one job, list such tokens, or take them back
  export extern "mcpauth help gateway token" [
  ]

  # List the tokens that are not at their end, and when each was last used
  export extern "mcpauth help gateway token list" [
  ]

  # Take tokens back: every gateway that shares the files refuses them within a second
  export extern "mcpauth help gateway token revoke" [
  ]

  # Make a new key that signs them; tokens signed by older keys beside it stay good
  export extern "mcpauth help gateway token key" [
  ]

  # Print the JSON schema of gateway.yaml, for editors
  export extern "mcpauth help gateway schema" [
  ]

  # Show everything on this machine: an identity provider for development, every flow against it, the gateway at work
  export extern "mcpauth help demo" [
  ]

  # Print the completion script for a shell
  export extern "mcpauth help completions" [
  ]

  # Print what may come next on a command line, one candidate a line: the word, a tab, what it means
  export extern "mcpauth help complete" [
  ]

  # Print the manual page, or write one page for every verb
  export extern "mcpauth help man" [
  ]

  # Open the page whose address is on stdin
  export extern "mcpauth help open-page" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "mcpauth help help" [
  ]

}

export use completions *
