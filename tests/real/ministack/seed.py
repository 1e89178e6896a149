"""Fills a fresh ministack with what a Cognito user has: a user pool, its domain, a resource server with
scopes, a machine client with a secret, a browser client, and alice in the group mcp-admins.
Standard library only. Prints the values as KEY=VALUE lines.
usage: seed.py BASE CALLBACK_URL...
"""

import json
import sys
import urllib.request

base, callbacks = sys.argv[1], sys.argv[2:]
DOMAIN = "mcpauth-real"
USER, PASSWORD, GROUP = "alice", "Passw0rd!", "mcp-admins"
SERVER, SCOPES = "mcp-servers-restricted", ("read", "execute")
FULL_SCOPES = [f"{SERVER}/{scope}" for scope in SCOPES]


def call(action, **body):
    # Only the form of the signature is looked at.
    signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=x"
    request = urllib.request.Request(
        f"{base}/",
        data=json.dumps(body).encode(),
        headers={
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{action}",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": signed,
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"{}")


pool = call("CreateUserPool", PoolName="mcpauth-real")["UserPool"]["Id"]
call("CreateUserPoolDomain", UserPoolId=pool, Domain=DOMAIN)
call(
    "CreateResourceServer",
    UserPoolId=pool,
    Identifier=SERVER,
    Name=SERVER,
    Scopes=[{"ScopeName": scope, "ScopeDescription": scope} for scope in SCOPES],
)
m2m = call(
    "CreateUserPoolClient",
    UserPoolId=pool,
    ClientName="m2m",
    GenerateSecret=True,
    AllowedOAuthFlows=["client_credentials"],
    AllowedOAuthFlowsUserPoolClient=True,
    AllowedOAuthScopes=FULL_SCOPES,
)["UserPoolClient"]
browser = {
    "UserPoolId": pool,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthScopes": ["openid", "email", "profile", "aws.cognito.signin.user.admin", *FULL_SCOPES],
    "CallbackURLs": callbacks,
    # Where a browser may be sent after it signed out: a page at the callbacks' origins.
    "LogoutURLs": sorted({"/".join(callback.split("/")[:3]) + "/login" for callback in callbacks}),
    "SupportedIdentityProviders": ["COGNITO"],
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
}
public = call("CreateUserPoolClient", ClientName="cli", GenerateSecret=False, **browser)["UserPoolClient"]
web = call("CreateUserPoolClient", ClientName="web", GenerateSecret=True, **browser)["UserPoolClient"]
attributes = [{"Name": "email", "Value": "alice@example.test"}, {"Name": "email_verified", "Value": "true"}]
call("AdminCreateUser", UserPoolId=pool, Username=USER, UserAttributes=attributes, MessageAction="SUPPRESS")
call("AdminSetUserPassword", UserPoolId=pool, Username=USER, Password=PASSWORD, Permanent=True)
call("CreateGroup", UserPoolId=pool, GroupName=GROUP)
call("AdminAddUserToGroup", UserPoolId=pool, Username=USER, GroupName=GROUP)

values = {
    "POOL_ID": pool,
    "DOMAIN_PREFIX": DOMAIN,
    "ISSUER": f"https://cognito-idp.us-east-1.amazonaws.com/{pool}",
    "ISSUER_URL": f"{base}/{pool}",
    "TOKEN_URL": f"{base}/oauth2/token",
    "AUTHORIZE_URL": f"{base}/oauth2/authorize",
    "M2M_CLIENT_ID": m2m["ClientId"],
    "M2M_CLIENT_SECRET": m2m["ClientSecret"],
    "CLI_CLIENT_ID": public["ClientId"],
    "WEB_CLIENT_ID": web["ClientId"],
    "WEB_CLIENT_SECRET": web["ClientSecret"],
    "SCOPES": " ".join(FULL_SCOPES),
    "CALLBACK_URLS": " ".join(callbacks),
    "USERNAME": USER,
    "PASSWORD": PASSWORD,
    "GROUP": GROUP,
}
print("\n".join(f"{name}={value}" for name, value in values.items()))
