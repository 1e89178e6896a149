//! A part of the terminal that is drawn in the same place again and again. Not here: what it shows (see the verbs).

use dialoguer::console::measure_text_width;

use crate::cli::out::Out;
use crate::cli::out::text::fit;
use crate::sys::terminal;

/// The last lines of stdout, a terminal, as they were drawn last.
#[derive(Default)]
pub(in crate::cli) struct Screen {
    lines: Vec<String>,
    columns: usize,
}

impl Screen {
    /// Replaces what was drawn before. What a terminal has no room for is counted in its last line.
    pub(in crate::cli) fn draw(&mut self, lines: Vec<String>, out: &Out) {
        let (rows, columns) = terminal::stdout_size().unwrap_or((24, 80));
        let lines = cut(lines, rows.saturating_sub(1), columns);
        let is_resized = self.columns != columns && !self.lines.is_empty();
        if lines == self.lines && !is_resized {
            return;
        }
        // A terminal that was resized has moved the lines.
        let drawn = (!is_resized).then(|| rows_of(&self.lines, columns));
        // Where this fails, the new lines come below the old ones.
        let _ = terminal::erase(drawn);
        out.data(&lines.join("\n"));
        *self = Self { lines, columns };
    }

    /// Leaves what is drawn where it is: something else was printed below it.
    pub(in crate::cli) fn leave(&mut self) {
        *self = Self::default();
    }
}

/// How many rows of a terminal the lines take.
fn rows_of(lines: &[String], columns: usize) -> usize {
    lines.iter().map(|line| measure_text_width(&fit(line)).div_ceil(columns.max(1)).max(1)).sum()
}

/// As many of the lines as fit, and how many do not.
fn cut(lines: Vec<String>, rows: usize, columns: usize) -> Vec<String> {
    if rows_of(&lines, columns) <= rows {
        return lines;
    }
    let all = lines.len();
    let mut kept = lines;
    while !kept.is_empty() && rows_of(&kept, columns) + 1 > rows {
        kept.pop();
    }
    let left = all - kept.len();
    kept.push(format!("… {left} more lines"));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let lines = |count: usize| (0..count).map(|n| format!("line {n}")).collect::<Vec<_>>();
        assert_eq!(cut(lines(3), 3, 80), lines(3));
        assert_eq!(cut(lines(4), 3, 80), ["line 0", "line 1", "… 2 more lines"]);
        assert_eq!(cut(lines(4), 1, 80), ["… 4 more lines"]);
        // A line that is wider than the terminal takes two rows.
        assert_eq!(rows_of(&["123456".into(), String::new()], 5), 3);
        assert_eq!(cut(vec!["123456".into(), "1".into()], 2, 5), ["… 2 more lines"]);
    }
}
