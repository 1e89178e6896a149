//! The table of `mcpauth status`: eighty columns on a terminal, full names elsewhere. Not here: the states (see
//! `status`).

use crate::cli::out::{Out, WIDTH, wrapped};
use crate::oauth::Epoch;
use crate::status::{Row, State};
use crate::store::Storage;
use crate::sys::{clock, terminal};

/// How wide the other columns are than the name's.
const OTHERS: usize = 53;

/// The table, line by line; below each credential that is not good, why, and the next command.
pub(super) fn lines(rows: &[Row], now: Epoch, out: &Out) -> Vec<String> {
    let paint = |state: State, text: &str| {
        let code = match state {
            State::Good => "32",
            State::Due => "33",
            _ => "31",
        };
        out.paint(code, text)
    };
    layout(rows, now, terminal::stdout_width(), &paint)
}

fn layout(
    rows: &[Row],
    now: Epoch,
    width: Option<usize>,
    paint: &dyn Fn(State, &str) -> String,
) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let longest = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or_default();
    let name = width.map_or(longest, |width| longest.min(width.max(WIDTH) - OTHERS));
    let mut lines = vec![format!(
        "{:name$}  {:11} {:11} {:9} {:7} RENEWAL",
        "NAME", "STATE", "EXPIRES", "SOURCE", "STORAGE"
    )];
    for row in rows {
        let state = format!("{:11}", row.state.word().replace('_', " "));
        lines.push(format!(
            "{:name$}  {} {:11} {:9} {:7} {}",
            cut(&row.name, name),
            paint(row.state, &state),
            expiry(row, now),
            row.source,
            row.storage.map_or("-", Storage::word),
            if row.is_key {
                "never"
            } else if row.renewable {
                "auto"
            } else {
                "manual"
            },
        ));
        let remedy = row.hint.as_ref().or(row.command.as_ref());
        for (mark, text) in [("  ", row.why.as_ref()), ("  -> ", remedy)] {
            let Some(text) = text else { continue };
            let text = width.map_or_else(|| text.clone(), |width| wrapped(text, mark.len(), width));
            lines.extend(format!("{mark}{text}").lines().map(str::to_owned));
        }
    }
    lines
}

fn expiry(row: &Row, now: Epoch) -> String {
    match row.expires_at {
        Some(end) => clock::relative(end, now),
        None if row.kept => "never".into(),
        None => "-".into(),
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, state: State, expires_at: Option<Epoch>) -> Row {
        Row {
            kind: "egress",
            name: name.into(),
            state,
            expires_at,
            kept: true,
            source: "set 100".into(),
            storage: Some(Storage::Keyring),
            scope: crate::credential::StoreScope::Project,
            is_key: false,
            renewable: true,
            path: None,
            why: None,
            command: None,
            hint: None,
        }
    }

    fn rows() -> [Row; 4] {
        [
            row("ingress cognito", State::Good, Some(1_000 + 3_240)),
            Row {
                command: Some("mcpauth egress --config-set 100".into()),
                renewable: false,
                ..row(
                    "egress a-provider for a-server-with-quite-a-name",
                    State::NeedsLogin,
                    Some(1_000 - 360_000),
                )
            },
            Row {
                why: Some(
                    "egress set 3 is missing EGRESS_OAUTH_CLIENT_ID_3 and EGRESS_OAUTH_REDIRECT_URI_3".into(),
                ),
                hint: Some(
                    "set EGRESS_OAUTH_CLIENT_ID_3 in .env or the environment, or run: mcpauth configure"
                        .into(),
                ),
                kept: false,
                storage: None,
                renewable: false,
                ..row("egress set 3", State::Incomplete, None)
            },
            row("egress hub", State::Good, None),
        ]
    }

    #[test]
    fn on_a_terminal_it_fits_eighty_columns() {
        let lines = layout(&rows(), 1_000, Some(WIDTH), &|_, text| text.into());
        for line in &lines {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        assert_eq!(
            lines.join("\n"),
            "\
NAME                         STATE       EXPIRES     SOURCE    STORAGE RENEWAL
ingress cognito              good        in 54m      set 100   keyring auto
egress a-provider for a-se…  needs login 4d 4h ago   set 100   keyring manual
  -> mcpauth egress --config-set 100
egress set 3                 incomplete  -           set 100   -       manual
  egress set 3 is missing EGRESS_OAUTH_CLIENT_ID_3 and
  EGRESS_OAUTH_REDIRECT_URI_3
  -> set EGRESS_OAUTH_CLIENT_ID_3 in .env or the environment, or run: mcpauth
     configure
egress hub                   good        never       set 100   keyring auto"
        );
    }

    #[test]
    fn elsewhere_names_are_whole_and_lines_as_long_as_they_are() {
        let lines = layout(&rows(), 1_000, None, &|_, text| text.into());
        let text = lines.join("\n");
        assert!(text.contains("egress a-provider for a-server-with-quite-a-name  needs login"), "{text}");
        assert!(text.contains("or run: mcpauth configure\n"), "{text}");
    }

    #[test]
    fn the_state_alone_is_coloured_and_its_column_keeps_its_width() {
        let lines = layout(&rows(), 1_000, None, &|_, text| format!("<{text}>"));
        assert!(lines.get(1).is_some_and(|line| line.contains("<good       >")), "{lines:?}");
        assert!(layout(&[], 0, None, &|_, text| text.into()).is_empty());
    }
}
