//! Which known name a misspelt one was meant to be. It leaves which names there are to its callers.

/// The known name that is nearest, if it is near: one slip in a short name, two in a long one. Case counts for nothing,
/// so that a name in the wrong case is found as well.
pub(super) fn suggest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let within = if name.chars().count() < 8 { 1 } else { 2 };
    let folded = name.to_lowercase();
    let near = known.into_iter().map(|other| (distance(&folded, &other.to_lowercase()), other));
    near.filter(|(slips, _)| *slips <= within).min_by_key(|(slips, _)| *slips).map(|(_, other)| other)
}

/// How many letters must be put in, left out, changed or exchanged with their neighbour (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (row, a) in from.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, b) in to.iter().enumerate() {
            let at = |cells: &[usize], column: usize| cells.get(column).copied().unwrap_or(usize::MAX - 1);
            let changed = at(&last, column) + usize::from(a != *b);
            let mut best = changed.min(at(&last, column + 1) + 1).min(at(&current, column) + 1);
            let neighbour = column.checked_sub(1).and_then(|before| to.get(before));
            if neighbour == Some(&a) && previous == Some(*b) {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
        previous = Some(a);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn it_is_a_distance(a in "[abä]{0,8}", b in "[abä]{0,8}") {
            let slips = distance(&a, &b);
            prop_assert_eq!(slips, distance(&b, &a));
            prop_assert_eq!(slips == 0, a == b);
            prop_assert!(slips <= a.chars().count().max(b.chars().count()));
        }
    }
}
