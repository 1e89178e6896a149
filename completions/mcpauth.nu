module completions {

  def "nu-complete mcpauth storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth color" [] {
    [ "auto" "always" "never" ]
  }

  # Gets the credentials AI agents need for MCP servers, keeps them and hands them out without leaking them
  export extern mcpauth [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --force(-f)               # Get new tokens even if the stored ones are valid
    --no-install              # Write .oauth-tokens/*.json, but no other program's files
    --browser                 # Open the browser even without a terminal
    --no-browser              # Print the login address instead of opening the browser
    --device                  # Log in with a code entered on another device, if the provider supports it
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth generate storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth generate color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --force(-f)               # Get a new token even if the stored one is valid
    --client-secret-file: path # Read the client secret from this file, or from stdin for -
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth ingress storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth ingress color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth egress name" [] {
    ^mcpauth complete mcpauth egress '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth egress provider" [] {
    ^mcpauth complete mcpauth egress --provider '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth egress storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth egress color" [] {
    [ "auto" "always" "never" ]
  }

  # Log in to outside services (authorization code with PKCE) and store their tokens
  export extern "mcpauth egress" [
    --provider: string@"nu-complete mcpauth egress provider" # Only the sets of this provider
    --config-set: string      # Only the set with this number
    --server-name: string     # The MCP server the token is for; sets the file's name
    --mcp-server-name: string # The MCP server the token is for; sets the file's name
    --site: string            # The site to use if one login covers several: name, URL or id
    --force(-f)               # Log in again even if the stored token is valid
    --client-secret-file: path # Read the client secret from this file, or from stdin for -
    --browser                 # Open the browser even without a terminal
    --no-browser              # Print the login address instead of opening the browser
    --device                  # Log in with a code entered on another device, if the provider supports it
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth egress storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth egress color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
    name?: string@"nu-complete mcpauth egress name" # Only the set for this MCP server; or the sets of this provider, where no server has the name
  ]

  def "nu-complete mcpauth login url" [] {
    ^mcpauth complete mcpauth login '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth login storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth login color" [] {
    [ "auto" "always" "never" ]
  }

  # Log in to any MCP server by its address, and store its token
  export extern "mcpauth login" [
    --server-name: string     # Its name, instead of its host name
    --mcp-server-name: string # Its name, instead of its host name
    --client-id: string       # Use this client, which is already registered
    --client-secret-file: path # Read the client secret from this file, or from stdin for -
    --private-key-file: path  # Authenticate the client with the private key in this file (PEM, 0600: P-256, Ed25519 or RSA), which is not copied
    --key-id: string          # The key's id at the issuer
    --redirect-uri: string    # The redirect URI that this client is registered with [default: http://127.0.0.1:8080/callback, with another path for an issuer that sends no iss in its answers (RFC 9207)]
    --client-credentials      # Get the token for the client itself, without a login; the default at an issuer that offers nothing else
    --scope: string           # Request this scope instead of those the server names; repeatable
    --resource: string        # Request tokens for this resource instead of the one that the server names (RFC 8707)
    --authorize-param: string # Add this parameter to the authorization request; repeatable
    --force(-f)               # Discover, register and log in again, even if the stored token is valid
    --with-token              # Keep an API key or personal token instead: from stdin, or from a hidden question on a terminal
    --header: string          # The header that the server takes the key in
    --format: string          # The header's value, with {} for the key [default: 'Bearer {}' for Authorization, else {}]
    --expires: string         # When the key expires: a date (2027-01-31), a time (RFC 3339) or from now on (90d)
    --from-command: string    # Store this command instead of a secret: it is run in your shell when the secret is needed, and must print it within 10 s
    --ttl: string             # How long a process remembers what the command printed [default: 5m]
    --issuer: string          # Log in at this one of the issuers that the server names [default: the first usable one]
    --assume-pkce-s256        # Use PKCE with S256 although the issuer does not list it
    --browser                 # Open the browser even without a terminal
    --no-browser              # Print the login address instead of opening the browser
    --device                  # Log in with a code entered on another device, if the provider supports it
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth login storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth login color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
    url: string@"nu-complete mcpauth login url" # The MCP server's address; https where it has no scheme
  ]

  def "nu-complete mcpauth client-metadata storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth client-metadata color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the document that describes mcpauth as a client, for you to publish
  export extern "mcpauth client-metadata" [
    --url: string             # Where it will be published [default: MCPAUTH_CLIENT_METADATA_URL]
    --issuer: string          # Also list the redirect URI for this issuer, which sends no iss in its answers (RFC 9207); repeatable
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth client-metadata storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth client-metadata color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth agentcore gateway_name" [] {
    ^mcpauth complete mcpauth agentcore --gateway-name '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth agentcore storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth agentcore color" [] {
    [ "auto" "always" "never" ]
  }

  # Get tokens for Amazon Bedrock AgentCore gateways (client credentials)
  export extern "mcpauth agentcore" [
    --all                     # Every configured gateway (the default)
    --gateway-name: string@"nu-complete mcpauth agentcore gateway_name" # The gateway of this name, in any case
    --gateway-index: string   # The gateway with this number
    --audience: string        # The audience, for servers that take JSON (Auth0)
    --force(-f)               # Get new tokens even if the stored ones are valid
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth agentcore storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth agentcore color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth keycloak agent_name" [] {
    ^mcpauth complete mcpauth keycloak --agent-name '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth keycloak storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth keycloak color" [] {
    [ "auto" "always" "never" ]
  }

  # Get tokens for Keycloak agents, from agent-NAME.json in the tokens directory
  export extern "mcpauth keycloak" [
    --agent-name: string@"nu-complete mcpauth keycloak agent_name" # The agent: its file's name without .json
    --all-agents              # Every agent with a file (the default)
    --keycloak-url: string    # Keycloak's address, for files that name none
    --realm: string           # The realm, for files that name none
    --force(-f)               # Get new tokens even if the stored ones are valid
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth keycloak storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth keycloak color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth configure kind" [] {
    [ "cognito" "keycloak" "oidc" "egress" "agentcore" "server" ]
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

  # Ask for a credential's settings and write them to .env (0600; existing lines stay)
  export extern "mcpauth configure" [
    --kind: string@"nu-complete mcpauth configure kind" # What to set up
    --provider: string@"nu-complete mcpauth configure provider" # Egress: the provider (mcpauth providers list)
    --client-id: string       # The client id
    --client-secret-file: path # Read the client secret from this file, or from stdin for -
    --redirect-uri: string    # Egress: the redirect URI as registered
    --scope: string           # Egress, AgentCore: scopes instead of the defaults
    --server-name: string     # Egress: the MCP server it is for. AgentCore: the gateway's name
    --server-url: string      # Egress: that server's own address, for a server that is not behind a gateway. Server: its address
    --config-set: string      # Egress, AgentCore: the number of the set [default: the one that is there, else the first free one]
    --user-pool-id: string    # Cognito, AgentCore: the user pool's id
    --keycloak-url: string    # Keycloak: its address
    --realm: string           # Keycloak: the realm
    --issuer: string          # OpenID Connect, AgentCore: the issuer
    --set: string             # Set any other variable, for example one a provider's endpoints need; repeatable
    --write: path             # The file to write
    --yes(-y)                 # Skip the confirmation prompt
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth configure storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth configure color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth config storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth config color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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

  # Show the settings in force, or with --client that client's configuration; secrets are redacted
  export extern "mcpauth config show" [
    --origin                  # Show where each value comes from
    --client: string@"nu-complete mcpauth config show client" # A client (--clients lists them): its configuration, its file, and its other auth modes
    --auth-mode: string@"nu-complete mcpauth config show auth_mode" # With --client: where the client gets the headers from
    --clients                 # List the clients, where each gets the headers from, and its file
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth config show storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth config show color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --auth-mode: string@"nu-complete mcpauth config render auth_mode" # Where the client gets the headers from
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth config render storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth config render color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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

  # Merge mcpauth's entries into the clients' own files; everything else in them stays
  export extern "mcpauth config install" [
    --client: string@"nu-complete mcpauth config install client" # The clients [default: those found on this machine, and those set up before]
    --auth-mode: string@"nu-complete mcpauth config install auth_mode" # Where the clients get the headers from [default: as before, else what suits each best]
    --adopt: string           # Replace the entry of this name although mcpauth did not write it; repeatable
    --dry-run                 # Show what would change, values redacted, and write nothing
    --check                   # Only list the files that are not up to date; exit code 7 if there are any
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth config install storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth config install color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth config uninstall client" [] {
    [ "vscode-legacy" "roo" "vscode" "claude-code" "claude-desktop" "cursor" "cline" "windsurf" "zed" "gemini" "antigravity" "codex" "continue" "goose" "junie" "copilot" "opencode" ]
  }

  def "nu-complete mcpauth config uninstall server" [] {
    ^mcpauth complete mcpauth config uninstall --server '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth config uninstall storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth config uninstall color" [] {
    [ "auto" "always" "never" ]
  }

  # Remove mcpauth's entries from the clients' own files; everything else in them stays
  export extern "mcpauth config uninstall" [
    --client: string@"nu-complete mcpauth config uninstall client" # The clients; without this all that were installed to with this tokens directory
    --server: string@"nu-complete mcpauth config uninstall server" # Only these servers' entries, of those that mcpauth import changed; repeatable
    --restore                 # Put back the entries that mcpauth import changed or this command removed, secrets included
    --forget                  # Delete what mcpauth import keeps for --restore, too
    --dry-run                 # Show what would be removed, and write nothing
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth config uninstall storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth config uninstall color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
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
    --once                    # Make one pass over everything due, then print a summary
    --force(-f)               # With --once: renew everything, due or not
    --interval: string        # How often to rescan the credential files, as in 300 or 5m [default: TOKEN_REFRESH_INTERVAL, else 5m]
    --buffer: string          # How long before its expiry to renew a token, at most a fifth of its lifetime, as in 3600 or 1h [default: TOKEN_EXPIRY_BUFFER, else 1h]
    --on-login-needed: string # Run this in your shell once whenever a login is needed, with MCPAUTH_CREDENTIAL and MCPAUTH_COMMAND in its environment
    --no-install              # Write .oauth-tokens/*.json, but no other program's files
    --unit: string@"nu-complete mcpauth refresh unit" # Print a service file for this folder and these settings
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth refresh storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth refresh color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth status storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth status color" [] {
    [ "auto" "always" "never" ]
  }

  # Show every credential, its expiry and the next command
  export extern "mcpauth status" [
    --check                   # Exit code 7 unless every credential is valid or renewed without a login
    --watch                   # Keep showing it until Ctrl-C: redrawn in place on a terminal, elsewhere one line (with --json one object) per change
    --interval: string        # How often --watch reads the files again [default: 1s]
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth status storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth status color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --verify                  # Exit code 0 only if the token is verified and not expired
    --issuer: string          # The issuer the token must be from, and whose keys are fetched
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth inspect storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth inspect color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
    what: string@"nu-complete mcpauth inspect what" # A credential by its name in mcpauth status, a token file, or - for a token on stdin
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
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth token storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth token color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
    name: string@"nu-complete mcpauth token name" # A credential by its name in mcpauth status: its file, server, provider, agent, or ingress
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

  # Print a server's headers with fresh tokens as one JSON object
  export extern "mcpauth headers" [
    --server: string@"nu-complete mcpauth headers server" # The same
    --auth                    # Send the gateway's token even to an address that is not below REGISTRY_URL
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth headers storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth headers color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --shell: string@"nu-complete mcpauth env shell" # The shell to write for [default: from $SHELL]
    --auth                    # Send the gateway's token even to an address that is not below REGISTRY_URL
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth env storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth env color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
    server?: string@"nu-complete mcpauth env server" # The server's name or address [default: every server]
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

  # Run a command with a server's secrets or fresh credentials in its environment
  export extern "mcpauth exec" [
    --env: string             # Set this variable to a token, and set no others: of the server's credential, or of the one named after a colon; repeatable
    --auth                    # Send the gateway's token even to an address that is not below REGISTRY_URL
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth exec storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth exec color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
    ...servers: string@"nu-complete mcpauth exec servers" # The servers' names, or their addresses
  ]

  def "nu-complete mcpauth secret storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth secret color" [] {
    [ "auto" "always" "never" ]
  }

  # Keep the secrets that a local server wants in its environment
  export extern "mcpauth secret" [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth secret storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth secret color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth secret set server" [] {
    ^mcpauth complete mcpauth secret set '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth secret set variable" [] {
    ^mcpauth complete mcpauth secret set '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth secret set storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth secret set color" [] {
    [ "auto" "always" "never" ]
  }

  # Store a secret: from stdin, or from a hidden question on a terminal
  export extern "mcpauth secret set" [
    --from-command: string    # Store this command instead of a secret: it is run in your shell when the secret is needed, and must print it within 10 s
    --ttl: string             # How long a process remembers what the command printed [default: 5m]
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth secret set storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth secret set color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    server: string@"nu-complete mcpauth secret set server" # The server's name
    variable: string@"nu-complete mcpauth secret set variable" # The variable of its environment
  ]

  def "nu-complete mcpauth secret list server" [] {
    ^mcpauth complete mcpauth secret list '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth secret list storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth secret list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the servers, their variables and commands, but no values
  export extern "mcpauth secret list" [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth secret list storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth secret list color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    server?: string@"nu-complete mcpauth secret list server" # Only this server's
  ]

  def "nu-complete mcpauth secret remove server" [] {
    ^mcpauth complete mcpauth secret remove '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth secret remove variable" [] {
    ^mcpauth complete mcpauth secret remove '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth secret remove storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth secret remove color" [] {
    [ "auto" "always" "never" ]
  }

  # Remove a secret, or all of a server's
  export extern "mcpauth secret remove" [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth secret remove storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth secret remove color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    server: string@"nu-complete mcpauth secret remove server" # The server's name
    variable?: string@"nu-complete mcpauth secret remove variable" # The variable [default: all of them]
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

  # Remove credentials, and revoke them if the provider supports it
  export extern "mcpauth logout" [
    --all                     # All stored credentials
    --revoke                  # Revoke the tokens at the server, the refresh token first
    --yes(-y)                 # Skip the confirmation prompt
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth logout storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth logout color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
    name?: string@"nu-complete mcpauth logout name" # A credential, by its name in mcpauth status
  ]

  def "nu-complete mcpauth import client" [] {
    [ "vscode-legacy" "roo" "vscode" "claude-code" "claude-desktop" "cursor" "cline" "windsurf" "zed" "gemini" "antigravity" "codex" "continue" "goose" "junie" "copilot" "opencode" ]
  }

  def "nu-complete mcpauth import storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth import color" [] {
    [ "auto" "always" "never" ]
  }

  # Move the secrets out of the clients' files, and take over logins from mcp-remote
  export extern "mcpauth import" [
    --client: string@"nu-complete mcpauth import client" # The clients [default: all]
    --dry-run                 # Only show what was found and what would replace it
    --yes(-y)                 # Do not ask
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth import storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth import color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth probe name" [] {
    ^mcpauth complete mcpauth probe '=' | lines | each { split row (char tab) | first }
  }

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
    --url: string             # The server's address
    --server: string@"nu-complete mcpauth probe server" # One of your servers, by its name
    --auth                    # Send the gateway's token even to an address that is not below REGISTRY_URL
    --no-auth                 # Send no credentials
    --token-file: path        # Send the token in this file (0600; - for stdin) in Authorization, to the server itself
    --timeout: string         # Deadline for the whole command, as in 60 or 5m
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth probe storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth probe color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    name?: string@"nu-complete mcpauth probe name" # One of your servers by its name, or any server's address [default: GATEWAY_URL, else http://localhost:8003/mcp]
  ]

  def "nu-complete mcpauth ping name" [] {
    ^mcpauth complete mcpauth ping '=' | lines | each { split row (char tab) | first }
  }

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
    --url: string             # The server's address
    --server: string@"nu-complete mcpauth ping server" # One of your servers, by its name
    --auth                    # Send the gateway's token even to an address that is not below REGISTRY_URL
    --no-auth                 # Send no credentials
    --token-file: path        # Send the token in this file (0600; - for stdin) in Authorization, to the server itself
    --timeout: string         # Deadline for the whole command, as in 60 or 5m
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth ping storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth ping color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    name?: string@"nu-complete mcpauth ping name" # One of your servers by its name, or any server's address [default: GATEWAY_URL, else http://localhost:8003/mcp]
  ]

  def "nu-complete mcpauth list name" [] {
    ^mcpauth complete mcpauth list '=' | lines | each { split row (char tab) | first }
  }

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
    --url: string             # The server's address
    --server: string@"nu-complete mcpauth list server" # One of your servers, by its name
    --auth                    # Send the gateway's token even to an address that is not below REGISTRY_URL
    --no-auth                 # Send no credentials
    --token-file: path        # Send the token in this file (0600; - for stdin) in Authorization, to the server itself
    --timeout: string         # Deadline for the whole command, as in 60 or 5m
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth list storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth list color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
    name?: string@"nu-complete mcpauth list name" # One of your servers by its name, or any server's address [default: GATEWAY_URL, else http://localhost:8003/mcp]
  ]

  def "nu-complete mcpauth call first" [] {
    ^mcpauth complete mcpauth call '=' | lines | each { split row (char tab) | first }
  }

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
    --url: string             # The server's address
    --server: string@"nu-complete mcpauth call server" # One of your servers, by its name
    --auth                    # Send the gateway's token even to an address that is not below REGISTRY_URL
    --no-auth                 # Send no credentials
    --token-file: path        # Send the token in this file (0600; - for stdin) in Authorization, to the server itself
    --timeout: string         # Deadline for the whole command, as in 60 or 5m
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth call storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth call color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
    first: string@"nu-complete mcpauth call first" # One of your servers by its name, or any server's address; or the tool, of the server of GATEWAY_URL
    ...rest: string           # The tool and its arguments
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

  # Connect clients to a remote MCP server, with fresh credentials on every request
  export extern "mcpauth bridge" [
    --server: string@"nu-complete mcpauth bridge server" # The same
    --listen: string          # Serve all servers over HTTP on this loopback address
    --auth                    # Send the gateway's token even to an address that is not below REGISTRY_URL
    --header: string          # Send this header, 'Name: value' with ${VARIABLE}s of the environment; repeatable
    --header-file: path       # Send the headers in this file, one per line
    --transport: string       # http-first, sse-first, http-only or sse-only [default: http-first]
    --ignore-tool: string     # Leave this tool out of lists and refuse its calls; * for any characters; repeatable
    --static-oauth-client-info: string # Log in with this registered client: JSON with client_id and client_secret, or @FILE
    --static-oauth-client-metadata: string # Log in for the scope in this JSON, or @FILE
    --auth-timeout: string    # How long a person has to log in, in seconds
    --resource: string        # Request tokens for this resource instead of the one that the server names (RFC 8707)
    --authorize-param: string # Add this parameter to the authorization request; repeatable
    --host: string
    --callback-path: string
    --client-metadata-url: string
    --debug
    --silent
    --enable-proxy
    --keep-alive
    --ipv4
    --disable-cookies
    --disable-resource-parameter
    --device-code
    --client-credentials
    --use-id-token
    --auth-success-url: string
    --token-endpoint: string
    --connect-timeout: string
    --headers-timeout: string
    --body-timeout: string
    --ping-interval: string
    --protocol: string
    --only-tool: string       # Only this tool, by a token that the gateway makes for it; repeatable
    --only-scope: string      # Only this scope; repeatable
    --agent: string           # The client's name, for the gateway's audit and its list of tokens
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth bridge storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth bridge color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
    name?: string@"nu-complete mcpauth bridge name" # The server's name, or its address, in which ${VARIABLE}s of the environment are filled in
    port?: string             # The callback port of a client from --static-oauth-client-info
  ]

  def "nu-complete mcpauth doctor storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth doctor color" [] {
    [ "auto" "always" "never" ]
  }

  # Find problems and say how to fix them; exit code 7 if there is one
  export extern "mcpauth doctor" [
    --fix                     # Fix what is safe to fix: modes of mcpauth's files, leftovers of interrupted runs, stale entries in clients' files
    --offline                 # Make no network requests
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth doctor storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth doctor color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth providers storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth providers color" [] {
    [ "auto" "always" "never" ]
  }

  # List, show and check the outside services you can log in to
  export extern "mcpauth providers" [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth providers storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth providers color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth providers list storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth providers list color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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

  # One provider: endpoints, scopes, quirks, settings
  export extern "mcpauth providers show" [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth providers show storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth providers show color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth providers check storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth providers check color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth providers schema storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth providers schema color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth gateway storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway color" [] {
    [ "auto" "always" "never" ]
  }

  # Serve the gateway, check and explain its settings, policy and servers
  export extern "mcpauth gateway" [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --listen: string          # Where clients connect, instead of the address in the settings [default: 127.0.0.1:8080]
    --shadow: path            # A second policy that decides nothing; what it would deny is recorded
    --admin: string           # Where /metrics is served
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway serve storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway serve color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway check storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway check color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth gateway explain server" [] {
    ^mcpauth complete mcpauth gateway explain '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth gateway explain named" [] {
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

  # Tell whether a caller may do something, and which line of the policy decides
  export extern "mcpauth gateway explain" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --policy: path            # This policy instead of the gateway's
    --server: string@"nu-complete mcpauth gateway explain named" # The same
    --method: string          # The method; GET for the stream, DELETE to end a session [default: the one for the tool, prompt or resource]
    --tool: string            # The tool it calls
    --prompt: string          # The prompt it gets
    --resource: string        # The resource it reads
    --groups: string          # The caller's groups
    --scopes: string          # The token's own scopes
    --claims: path            # A JSON object with the token's claims, for the policy's `when`
    --token: string@"nu-complete mcpauth gateway explain token" # The caller's token: a credential by its name in mcpauth status, a token file, or - for stdin
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway explain storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway explain color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    server?: string@"nu-complete mcpauth gateway explain server" # The server, by its path without slashes
  ]

  def "nu-complete mcpauth gateway test storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway test color" [] {
    [ "auto" "always" "never" ]
  }

  # Run policy tests; exit code 7 if one fails or names a server or group that does not exist
  export extern "mcpauth gateway test" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --policy: path            # This policy instead of the gateway's
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway test storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway test color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    cases: path               # The tests
  ]

  def "nu-complete mcpauth gateway routes storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway routes color" [] {
    [ "auto" "always" "never" ]
  }

  # List the servers: their gateway path, their address, the credential they get, and whether they answer
  export extern "mcpauth gateway routes" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --offline                 # Do not contact the servers
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway routes storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway routes color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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

  # Print a token of the gateway's own for one job, list such tokens, or revoke them
  export extern "mcpauth gateway token" [
    --server: string@"nu-complete mcpauth gateway token server" # A server that it is for, by its path without slashes; repeatable [default: all that you may use]
    --tool: string            # A tool it may call there; repeatable [default: all that you may call]
    --scope: string           # A scope of yours that it has; repeatable [default: all]
    --ttl: string             # How long it is valid, a day at most [default: 1h]
    --agent: string           # The agent that will use it, for the audit and the list
    --description: string     # What it is for
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway token storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway token color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete mcpauth gateway token list storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway token list color" [] {
    [ "auto" "always" "never" ]
  }

  # List the valid tokens, and when each was last used
  export extern "mcpauth gateway token list" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway token list storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway token list color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth gateway token revoke ids" [] {
    ^mcpauth complete mcpauth gateway token revoke '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth gateway token revoke owner" [] {
    ^mcpauth complete mcpauth gateway token revoke --owner '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth gateway token revoke storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway token revoke color" [] {
    [ "auto" "always" "never" ]
  }

  # Revoke tokens: every gateway that shares the files rejects them within a second
  export extern "mcpauth gateway token revoke" [
    --owner: string@"nu-complete mcpauth gateway token revoke owner" # All of one owner's, by subject or name
    --all                     # All of them
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway token revoke storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway token revoke color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    ...ids: string@"nu-complete mcpauth gateway token revoke ids" # Tokens, by the ids that the list shows
  ]

  def "nu-complete mcpauth gateway token key storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway token key color" [] {
    [ "auto" "always" "never" ]
  }

  # Make a new key that signs them; tokens signed by older keys next to it stay valid
  export extern "mcpauth gateway token key" [
    --config: path            # The gateway's settings [default: ./gateway.yaml, else the environment]
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway token key storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway token key color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth gateway schema storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth gateway schema color" [] {
    [ "auto" "always" "never" ]
  }

  # Print the JSON schema of gateway.yaml, for editors
  export extern "mcpauth gateway schema" [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth gateway schema storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth gateway schema color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth demo storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth demo color" [] {
    [ "auto" "always" "never" ]
  }

  # Run everything on this machine: a development identity provider, every flow, and the gateway
  export extern "mcpauth demo" [
    --keep                    # Keep it running and print commands to try
    --browser                 # Log in yourself, in the browser
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth demo storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth demo color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
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
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth completions storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth completions color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    shell: string@"nu-complete mcpauth completions shell" # The shell
  ]

  def "nu-complete mcpauth complete storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth complete color" [] {
    [ "auto" "always" "never" ]
  }

  # Print completion candidates for a command line, one per line: the word, a tab, its description
  export extern "mcpauth complete" [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth complete storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth complete color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    ...words: string          # The words so far; the one under the cursor comes last, with a = in front so that it is never empty
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
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth man storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth man color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
  ]

  def "nu-complete mcpauth help topic" [] {
    ^mcpauth complete mcpauth help '=' | lines | each { split row (char tab) | first }
  }

  def "nu-complete mcpauth help storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth help color" [] {
    [ "auto" "always" "never" ]
  }

  # Print help on a verb, or on options, environment or exit-codes
  export extern "mcpauth help" [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth help storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth help color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
    ...topic: string@"nu-complete mcpauth help topic" # A verb, or options, environment or exit-codes; all verbs without it
  ]

  def "nu-complete mcpauth open-page storage" [] {
    [ "auto" "file" "keyring" ]
  }

  def "nu-complete mcpauth open-page color" [] {
    [ "auto" "always" "never" ]
  }

  # Open the page whose address is on stdin
  export extern "mcpauth open-page" [
    --env-file: path          # Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later files win
    --found-env-file: path    # The same, but trusted no more than a found file: for command lines that mcpauth writes
    --no-env-file             # Read no settings files
    --tokens-dir: path        # Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    --found-tokens-dir: path  # The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    --servers-dir: path       # The folder with the registry's server files [default: servers, else registry/servers]
    --providers-file: path    # The file of outside services, in the format of the MCP Gateway Registry's scripts [default: credentials-provider/oauth/oauth_providers.yaml, if it exists]
    --registry-url: string    # The gateway's address [default: REGISTRY_URL]
    --storage: string@"nu-complete mcpauth open-page storage" # Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    --json                    # Print one JSON object on stdout, and errors as JSON on stderr
    --quiet(-q)               # Print only errors
    --verbose(-v)             # More output: -v each HTTP exchange, -vv its headers too; never secrets
    --color: string@"nu-complete mcpauth open-page color" # When to use colours
    --ca-cert: path           # Trust these additional CA certificates (PEM)
    --allow-http              # Allow plain HTTP to non-loopback hosts
    --help(-h)                # Print help
  ]

}

export use completions *
