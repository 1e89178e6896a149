//! The flows as sequence diagrams: who sends what to whom, as data, drawn to `docs/images`.

use super::expect_file;
use super::pictures::{STYLE, escaped};

struct Diagram {
    file: &'static str,
    title: &'static str,
    actors: &'static [&'static str],
    steps: &'static [Step],
}

/// Actors by their place in the list.
enum Step {
    /// A new part.
    Part(&'static str),
    /// A message from one to another.
    Says(usize, usize, &'static str),
    /// What one does alone.
    Does(usize, &'static str),
}

use Step::{Does, Part, Says};

const DIAGRAMS: [Diagram; 4] = [
    Diagram {
        file: "two-tokens.svg",
        title: "An agent carries two tokens",
        actors: &[
            "you",
            "mcpauth",
            "identity provider",
            "outside service",
            "MCP client",
            "gateway",
            "MCP server",
        ],
        steps: &[
            Part("once"),
            Says(0, 1, "mcpauth generate"),
            Says(1, 2, "client credentials"),
            Says(2, 1, "ingress token"),
            Says(1, 3, "login in your browser"),
            Says(3, 1, "egress token"),
            Says(1, 4, "configuration"),
            Part("for every request"),
            Says(4, 5, "both tokens"),
            Does(5, "checks the ingress token"),
            Does(5, "decides by the policy"),
            Says(5, 6, "egress token only"),
            Says(6, 3, "acts for you"),
            Says(6, 4, "the answer, through the gateway"),
        ],
    },
    Diagram {
        file: "ingress.svg",
        title: "Ingress: client credentials",
        actors: &["mcpauth", "identity provider", "tokens directory"],
        steps: &[
            Says(0, 2, "is there a valid token?"),
            Says(2, 0, "no, or it ends soon"),
            Says(0, 2, "lock, and look again"),
            Says(0, 1, "metadata (RFC 8414)"),
            Says(1, 0, "token endpoint"),
            Says(0, 1, "client credentials grant"),
            Says(1, 0, "access token, lifetime"),
            Says(0, 2, "0600, written whole"),
        ],
    },
    Diagram {
        file: "egress.svg",
        title: "Egress: a login in your browser",
        actors: &["mcpauth", "your browser", "outside service", "tokens directory"],
        steps: &[
            Does(0, "state, PKCE verifier"),
            Does(0, "listens on loopback"),
            Says(0, 1, "opens the login page"),
            Says(1, 2, "authorization request (S256)"),
            Does(2, "you log in and agree"),
            Says(2, 1, "redirect with code, state"),
            Says(1, 0, "the callback"),
            Does(0, "checks state, and iss"),
            Says(0, 2, "code, verifier"),
            Says(2, 0, "access and refresh token"),
            Says(0, 3, "0600, written whole"),
            Part("later, without you"),
            Says(0, 2, "refresh token"),
            Says(2, 0, "new tokens"),
        ],
    },
    Diagram {
        file: "by-address.svg",
        title: "Login by address",
        actors: &["mcpauth", "MCP server", "authorization server", "your browser"],
        steps: &[
            Says(0, 1, "a request without a token"),
            Says(1, 0, "401, where its metadata is"),
            Says(0, 1, "metadata (RFC 9728)"),
            Says(1, 0, "authorization servers, scopes"),
            Says(0, 2, "metadata (RFC 8414)"),
            Says(2, 0, "endpoints, what it supports"),
            Says(0, 2, "registration (RFC 7591)"),
            Says(2, 0, "client_id"),
            Says(0, 3, "opens the login page"),
            Says(3, 2, "request, resource (RFC 8707)"),
            Says(2, 3, "redirect with code, iss"),
            Says(3, 0, "the callback"),
            Says(0, 2, "code, verifier, resource"),
            Says(2, 0, "a token for this server"),
            Says(0, 1, "the token, here and nowhere else"),
        ],
    },
];

const COLUMN: usize = 220;
const ROW: usize = 38;
const TOP: usize = 84;

fn center(actor: usize) -> usize {
    COLUMN / 2 + actor * COLUMN
}

fn draw(diagram: &Diagram) -> String {
    let (width, height) = (diagram.actors.len() * COLUMN, TOP + diagram.steps.len() * ROW + 16);
    let title = escaped(diagram.title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"t\" \
         font-family=\"ui-sans-serif, system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"13\">\n\
         <title id=\"t\">{title}</title>\n{STYLE}\
         <defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path class=\"head\" d=\"M0 0 8 4 0 8z\"/></marker></defs>\n\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n"
    );
    for (place, actor) in diagram.actors.iter().enumerate() {
        let x = center(place);
        svg += &format!(
            "<path class=\"life\" d=\"M{x} 52V{}\"/><rect class=\"box\" x=\"{}\" y=\"16\" width=\"180\" height=\"36\" rx=\"6\"/>\
             <text x=\"{x}\" y=\"39\" text-anchor=\"middle\">{}</text>\n",
            height - 16,
            x - 90,
            escaped(actor)
        );
    }
    for (row, step) in diagram.steps.iter().enumerate() {
        svg += &drawn(step, TOP + row * ROW, width);
    }
    svg + "</svg>\n"
}

fn drawn(step: &Step, y: usize, width: usize) -> String {
    match step {
        Part(text) => {
            let under = y + 8;
            format!(
                "<text class=\"dim on\" x=\"16\" y=\"{y}\">{}</text><path class=\"life\" d=\"M16 {under}H{}\"/>\n",
                escaped(text),
                width - 16
            )
        }
        Says(from, to, text) => {
            let (start, end) = (center(*from), center(*to));
            let middle = (start + end) / 2;
            let label = y - 6;
            format!(
                "<path class=\"line\" d=\"M{start} {y}H{end}\" marker-end=\"url(#a)\"/>\
                 <text class=\"on\" x=\"{middle}\" y=\"{label}\" text-anchor=\"middle\">{}</text>\n",
                escaped(text)
            )
        }
        Does(actor, text) => format!(
            "<rect class=\"box\" x=\"{}\" y=\"{}\" width=\"190\" height=\"28\" rx=\"4\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
            center(*actor) - 95,
            y - 22,
            center(*actor),
            y - 4,
            escaped(text)
        ),
    }
}

#[test]
fn the_flows_are_drawn() {
    for diagram in &DIAGRAMS {
        for step in diagram.steps {
            if let Says(from, to, text) = step {
                assert!(from != to && from.max(to) < &diagram.actors.len(), "{}: {text}", diagram.file);
                let room = from.abs_diff(*to) * COLUMN;
                assert!(text.len() * 13 / 2 < room, "{}: {text:?} does not fit", diagram.file);
            }
        }
        expect_file(&format!("docs/images/{}", diagram.file), &draw(diagram), |was, is| was == is);
    }
}
