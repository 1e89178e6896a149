//! Tables for people: columns under headings, two spaces apart. Not here: tables that cut or colour their cells (see
//! `status`, `mcp`).

use dialoguer::console::measure_text_width;

/// The rows under their headings; the last column is as wide as it likes.
pub(super) fn columns<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[&str; N]> =
        std::iter::once(heads).chain(rows.iter().map(|row| row.each_ref().map(String::as_str))).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = measure_text_width(cell).max(*width);
        }
    }
    let line = |row: &[&str; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let after = " ".repeat(width.saturating_sub(measure_text_width(cell)));
            format!("{cell}{after}")
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_below_their_headings_however_wide_their_letters() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        let table = columns(["NAME", "WHAT"], &[row("日本", "x"), row("longer", "y z"), row("a", "")]);
        assert_eq!(table, "NAME    WHAT\n日本    x\nlonger  y z\na");
        assert_eq!(columns(["NAME", "WHAT"], &[]), "NAME  WHAT");
    }
}
