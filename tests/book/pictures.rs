//! Terminal recordings as SVG: what the program prints, in its own colours. It leaves the same as text to the examples.

use std::os::unix::fs::PermissionsExt;

use super::examples::{at_home, block_after, demo, expect_recording, idp, played, reader, typed};
use super::{Book, expect_file, without_digits};
use crate::support::User;

/// Colours for light and dark pages.
pub(super) const STYLE: &str = "<style>
.paper{fill:#ffffff}.box{fill:#f6f8fa;stroke:#57606a}text{fill:#1f2328}.dim{fill:#57606a}
.line{stroke:#57606a;stroke-width:1.5;fill:none}.life{stroke:#8c959f;stroke-dasharray:3 4;fill:none}.head{fill:#57606a}
.on{stroke:#ffffff;stroke-width:4px;paint-order:stroke}
.c1{font-weight:bold}.c2{fill:#57606a}.c31{fill:#b42318}.c32{fill:#116329}.c33{fill:#7d4e00}.c36{fill:#0550ae}
@media (prefers-color-scheme: dark){
.paper{fill:#0d1117}.box{fill:#161b22;stroke:#8b949e}text{fill:#e6edf3}.dim,.c2{fill:#9da7b3}
.line{stroke:#9da7b3}.life{stroke:#6e7681}.head{fill:#9da7b3}.on{stroke:#0d1117}
.c31{fill:#ff8a80}.c32{fill:#7ee787}.c33{fill:#e3b341}.c36{fill:#79c0ff}}
</style>
";

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A line with the program's colours as spans.
fn spans(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut text = escaped(parts.next().unwrap_or_default());
    for part in parts {
        let (code, rest) = part.split_once('m').unwrap_or(("0", part));
        let rest = escaped(rest);
        text += &if code == "0" || rest.is_empty() {
            rest
        } else {
            format!("<tspan class=\"c{code}\">{rest}</tspan>")
        };
    }
    text
}

fn picture(title: &str, printed: &str) -> String {
    let lines: Vec<&str> = printed.lines().collect();
    let plain = |line: &str| {
        line.split("\u{1b}[")
            .map(|part| part.split_once('m').map_or(part, |(_, rest)| rest).chars().count())
            .sum::<usize>()
    };
    let columns = lines.iter().map(|line| plain(line)).max().unwrap_or_default().max(60);
    let (width, height) = (columns * 9 + 32, lines.len() * 19 + 28);
    let title = escaped(title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"t\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <title id=\"t\">{title}</title>\n{STYLE}\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n"
    );
    for (row, line) in lines.iter().enumerate() {
        let y = row * 19 + 28;
        svg += &format!("<text x=\"16\" y=\"{y}\" xml:space=\"preserve\">{}</text>\n", spans(line));
    }
    svg + "</svg>\n"
}

#[track_caller]
fn expect_picture(name: &str, title: &str, printed: &str) {
    let drawn = picture(title, printed);
    expect_file(&format!("docs/images/{name}"), &drawn, |was, is| without_digits(was) == without_digits(is));
}

/// What a run leaves on the screen; its progress is gone by then.
#[track_caller]
fn expect_run(name: &str, user: &User, line: &str) {
    let ran = typed(user, &format!("{line} --color always"));
    expect_picture(name, line, &at_home(user, &format!("$ {line}\n{}", ran.stdout)));
}

#[test]
fn the_recordings_are_drawn() {
    expect_picture("demo.svg", "mcpauth demo", &format!("$ mcpauth demo\n{}", demo(&["--color", "always"])));
    let idp = idp();
    let user = reader(&idp);
    expect_run("generate.svg", &user, "mcpauth generate");
    expect_run("status.svg", &user, "mcpauth status");
}

/// A secret whose name is misspelt, in a file that others can read. Elsewhere a browser may open without a display.
#[test]
#[cfg(target_os = "linux")]
fn a_diagnosis_is_drawn() {
    let user = User::new();
    let settings = "INGRESS_OAUTH_USER_POOL_ID=us-east-1_XXXXXXXXX\nINGRESS_OAUTH_CLIENT_ID=agent\n\
                    INGRES_OAUTH_CLIENT_SECRET=its-secret\n";
    let path = user.file(".env", settings);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    expect_run("doctor.svg", &user, "mcpauth doctor --offline");
    let book = Book::open();
    let shown = block_after(&book, "diagnosis");
    expect_recording(&shown, &at_home(&user, &played(&user, &shown.text)));
}
