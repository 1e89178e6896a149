//! Finds the known name that a misspelt one was meant to be.

use strsim::osa_distance;

/// The nearest known name, if it is near enough: one slip in a short name, two in a long one. Case is ignored, so a
/// name in the wrong case is found as well.
pub(super) fn suggest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let within = if name.chars().count() < 8 { 1 } else { 2 };
    let folded = name.to_lowercase();
    let near = known.into_iter().map(|other| (osa_distance(&folded, &other.to_lowercase()), other));
    near.filter(|(slips, _)| *slips <= within).min_by_key(|(slips, _)| *slips).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_two_is_understood_and_another_word_is_not() {
        let known = ["AWS_REGION", "INGRESS_OAUTH_CLIENT_ID", "INGRESS_OAUTH_CLIENT_SECRET", "REGION"];
        for (name, expected) in [
            ("INGRESS_OAUTH_CLIENT_SECRT", Some("INGRESS_OAUTH_CLIENT_SECRET")),
            ("INGRESS_OAUHT_CLIENT_ID", Some("INGRESS_OAUTH_CLIENT_ID")),
            ("ingress_oauth_client_id", Some("INGRESS_OAUTH_CLIENT_ID")),
            ("REGOIN", Some("REGION")),
            ("LEGION", Some("REGION")),
            ("LOGION", None),
            ("DATABASE_URL", None),
        ] {
            assert_eq!(suggest(name, known), expected, "{name}");
        }
    }
}
