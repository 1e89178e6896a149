//! The names of headers that stop at the gateway. Not here: what else decides whether a header passes (see
//! `headers`).

use std::sync::LazyLock;

/// Headers that say who the caller is and where from, or that change the request's target: servers behind the
/// gateway trust them, so a client's own never pass. The registry's are among them.
const CLAIMS: &str = "
    base-url cdn-src-ip client-cert client-cert-chain client-ip cluster-client-ip cookie cookie2
    fastly-client-ip fastly-ssl fly-client-ip forwarded forwarded-for forwarded-host forwarded-proto
    front-end-https http-client-ip http-host http-method http-method-override http-url incap-client-ip
    method method-override path-info proxy proxy-client-ip proxy-host proxy-url real-ip request-uri
    script-name source-ip true-client-ip uri url via wl-proxy-client-ip x-amzn-lambda-context
    x-amzn-request-context x-anonymous-consumer x-apigateway-api-userinfo x-auth-audience x-auth-groups
    x-auth-method x-auth-roles x-auth-subject x-auth-user x-auth-userid x-auth-username x-authorization
    x-backend-host x-base-url x-body x-claims x-client-cert x-client-dn x-client-id x-client-id-auth
    x-client-ip x-client-subject x-client-verify x-cluster-client-ip x-coming-from x-custom-ip-authorization
    x-endpoint-api-userinfo x-forwarded x-forwarder-for x-from-ip x-gateway-user x-group x-groups x-host
    x-identity x-ip x-ip-address x-keycloak-realm x-keycloak-url x-matched-path x-method x-override-method
    x-override-url x-path x-path-info x-principal x-protocol x-region x-request-id x-request-method
    x-request-path x-request-uri x-role x-roles x-scheme x-scope x-scopes x-script-name x-sendfile-type
    x-server-name x-serverless-authorization x-service-name x-source-ip x-subject x-subject-dn x-token-subject x-tool-name
    x-true-client-ip x-true-ip x-trusted-proxy x-tunnel-method x-uri x-url x-url-scheme x-user x-user-groups
    x-user-name x-user-pool-id x-user-roles x-userinfo x-username x-verb
";
/// Header families of the same kind. Sorted, like [`CLAIMS`], and none is a prefix of another.
const CLAIM_FAMILIES: &str = "
    akamai- cf- impersonate- ms-client-principal oidc-claim- remote- ssl-client- tailscale-user- teleport-
    x-accel- x-akamai- x-amzn-mtls- x-amzn-oidc- x-appengine- x-arr- x-auth-request- x-authelia-
    x-authenticated- x-authentik- x-azure- x-consumer- x-credential- x-envoy- x-forward- x-forwarded-
    x-goog-authenticated- x-goog-iap- x-http- x-invoke- x-istio- x-jwt- x-kong- x-kubernetes-
    x-method-override x-middleware- x-ms-client-principal x-ms-token- x-nextjs- x-nf- x-now- x-oidc-
    x-original- x-originating- x-pomerium- x-proxy- x-proxyuser- x-real- x-remote- x-rewrite- x-sandstorm-
    x-ssl- x-tls- x-vercel- x-vouch- x-waws- x-webauth-
";
/// Families that some services take as a credential, and others as who the caller is (`X-User-Id`, `X-Auth-Token`).
const CREDENTIALS_OR_CLAIMS: [&str; 6] = ["account-", "auth-", "caller", "email", "login", "user"];
/// RFC 9110 section 7.6.1 and RFC 9112: headers of one connection or one message, which a new request sets again.
const CONNECTION_BOUND: &str = "
    connection content-length expect host http2-settings keep-alive proxy-authenticate
    proxy-authentication-info proxy-authorization proxy-connection te trailer transfer-encoding upgrade
";
/// A server's headers that would speak for the gateway: cookies and cross-origin rules of its address, challenges that
/// send clients to another authorization server, ways around it, commands to browsers, and to a proxy in front of it
/// that then serves files of its own.
const NOT_BACK: &str = "
    alt-svc clear-site-data nel public-key-pins refresh report-to reporting-endpoints service-worker-allowed
    set-cookie strict-transport-security www-authenticate x-accel-charset x-accel-expires x-accel-limit-rate
    x-accel-redirect x-lighttpd-send-file x-lighttpd-send-tempfile x-reproxy-url x-sendfile
    x-sendfile-temporary x-sendfile2
";

/// Whether a header belongs to a connection or a message, so that it must not be configured for requests.
pub(in crate::gateway) fn is_bound(name: &str) -> bool {
    may_be(name).is_some_and(|may| may.bound & length(name) != 0) && STOPPED.bound.contains(&name)
}

/// Whether a server's header of this name stops here.
pub(super) fn is_not_back(name: &str) -> bool {
    may_be(name).is_some_and(|may| may.not_back & length(name) != 0) && STOPPED.not_back.contains(&name)
}

/// Whether a server behind the gateway could trust a header of this name.
pub(super) fn is_claim(name: &str) -> bool {
    let (Some(may), Some(second)) = (may_be(name), name.as_bytes().get(1)) else { return false };
    if may.claims & length(name) != 0 && STOPPED.claims.binary_search(&name).is_ok() {
        return true;
    }
    if may.seconds >> (second & 31) & 1 == 0 {
        return false;
    }
    // Whatever sorts between a prefix and the name has the same prefix, so only one family needs a check.
    let after = STOPPED.families.partition_point(|family| *family <= name);
    after
        .checked_sub(1)
        .and_then(|at| STOPPED.families.get(at))
        .is_some_and(|family| name.starts_with(family))
}

/// Whether a header of this name is the caller's credential at one server and could be trusted as an identity by
/// another.
pub(super) fn is_credential_or_claim(name: &str) -> bool {
    name.strip_prefix("x-")
        .is_some_and(|rest| CREDENTIALS_OR_CLAIMS.iter().any(|family| rest.starts_with(family)))
}

/// The names, as they are searched.
struct StoppedHeaders {
    claims: Vec<&'static str>,
    families: Vec<&'static str>,
    bound: Vec<&'static str>,
    not_back: Vec<&'static str>,
    /// By first byte.
    may_be: [MayBe; 128],
}

/// Properties of the listed names by first byte: nearly every header can be excluded without a comparison.
#[derive(Clone, Copy, Default)]
struct MayBe {
    /// The lengths of names in [`CLAIMS`], [`CONNECTION_BOUND`] and [`NOT_BACK`], a bit for each.
    claims: u64,
    bound: u64,
    not_back: u64,
    /// The second bytes of [`CLAIM_FAMILIES`], by their lowest five bits.
    seconds: u32,
}

/// What a name may be, by its first byte.
fn may_be(name: &str) -> Option<&'static MayBe> {
    STOPPED.may_be.get(usize::from(*name.as_bytes().first()?))
}

/// The bit of a name's length.
fn length(name: &str) -> u64 {
    1 << name.len().min(63)
}

static STOPPED: LazyLock<StoppedHeaders> = LazyLock::new(|| {
    let [claims, families, bound, not_back] = [CLAIMS, CLAIM_FAMILIES, CONNECTION_BOUND, NOT_BACK]
        .map(|names| names.split_whitespace().collect::<Vec<&'static str>>());
    let mut may_be = [MayBe::default(); 128];
    let mut note = |names: &[&str], lengths: fn(&mut MayBe) -> &mut u64| {
        for name in names {
            if let Some(may) = name.bytes().next().and_then(|first| may_be.get_mut(usize::from(first))) {
                *lengths(may) |= length(name);
            }
        }
    };
    note(&claims, |may| &mut may.claims);
    note(&bound, |may| &mut may.bound);
    note(&not_back, |may| &mut may.not_back);
    for family in &families {
        if let [first, second, ..] = family.as_bytes()
            && let Some(may) = may_be.get_mut(usize::from(*first))
        {
            may.seconds |= 1 << (second & 31);
        }
    }
    StoppedHeaders { claims, families, bound, not_back, may_be }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_fit_to_be_searched() {
        let StoppedHeaders { claims, families, .. } = &*STOPPED;
        assert!(claims.is_sorted() && families.is_sorted());
        for (at, family) in families.iter().enumerate() {
            assert!(families.iter().skip(at + 1).all(|other| !other.starts_with(family)), "{family}");
            assert!(is_claim(family) && is_claim(&format!("{family}zzz")), "{family}");
        }
        assert!(claims.iter().all(|name| is_claim(name)));
    }
}
