//! Killed at two hundred points of a refresh, mcpauth leaves the old credential or the new one, takes over what it
//! had already written, and says plainly when the user must log in again. Not here: modes and torn files (see
//! `atomic`).
#![cfg(test)]
#![expect(clippy::print_stderr, reason = "how many logins a kill cost is worth knowing")]
#![expect(clippy::string_slice, reason = "texts are cut where a write could be")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::wire::{Scripted, TEST_TIMEOUT};
use crate::support::{User, read_json};

const FILE: &str = "tracker-egress.json";

/// Where a run is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Point {
    /// Its request has arrived, and the provider has done nothing yet.
    Asked,
    /// So many hundredths of the answer are sent.
    Answering(usize),
    /// The answer is sent, and the provider has looked at the folder so many times.
    Answered(usize),
    /// The new file has its first byte, and the provider has looked so many times more.
    Writing(usize),
    /// The new file is in its place, and the provider has looked so many times more.
    Placed(usize),
}

/// A provider that rotates its refresh tokens and kills its client.
struct Provider {
    base: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The refresh token that is valid now, by its number.
    good: usize,
    kill: Option<(Point, Arc<Mutex<Child>>, PathBuf)>,
    /// Refresh tokens that came after they had been used up.
    spent: usize,
}

/// The result of one kill.
#[derive(Default, Clone, Copy)]
struct Came {
    kills: usize,
    finished: usize,
    taken_up: usize,
    lost: usize,
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            // A client that was killed is nobody's failure here.
            listener.incoming().flatten().for_each(|stream| drop(serve(stream, &shared)));
        });
        Self { base, state }
    }

    fn token(n: usize) -> Value {
        let long = "x".repeat(3_000);
        json!({"access_token": format!("a{n}-{long}"), "refresh_token": format!("r{n}-{long}"), "expires_in": 0})
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TEST_TIMEOUT))?;
    let asked = request(&mut stream)?;
    let mut state = state.lock().unwrap();
    let kill = state.kill.take();
    if let Some((Point::Asked, child, _)) = &kill {
        child.lock().unwrap().kill()?;
        return Ok(());
    }
    let presented = url::form_urlencoded::parse(asked.as_bytes())
        .find(|(name, _)| name == "refresh_token")
        .map(|(_, token)| token.into_owned());
    if presented.as_deref() != Provider::token(state.good)["refresh_token"].as_str() {
        state.spent += 1;
        return write!(
            stream,
            "HTTP/1.1 400 X\r\nconnection: close\r\ncontent-length: 25\r\n\r\n{{\"error\":\"invalid_grant\"}}"
        );
    }
    state.good += 1;
    let body = Provider::token(state.good).to_string();
    let answer =
        format!("HTTP/1.1 200 X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let Some((point, child, file)) = kill else { return stream.write_all(answer.as_bytes()) };
    let sent = match point {
        Point::Answering(hundredths) => answer.len() * hundredths / 100,
        _ => answer.len(),
    };
    stream.write_all(&answer.as_bytes()[..sent])?;
    let before = Look::at(&file);
    let looks = match point {
        Point::Answering(_) | Point::Asked => 0,
        Point::Answered(looks) => looks,
        Point::Writing(looks) => until(&child, || Look::at(&file).has_begun()).map_or(0, |()| looks),
        Point::Placed(looks) => {
            until(&child, || Look::at(&file).target != before.target).map_or(0, |()| looks)
        }
    };
    (0..looks).for_each(|_| drop(Look::at(&file)));
    // It may have ended by now.
    let _ = child.lock().unwrap().kill();
    Ok(())
}

fn request(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let whole = String::from_utf8_lossy(&bytes).into_owned();
                return Ok(whole.split_once("\r\n\r\n").unwrap().1.to_owned());
            }
        }
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
}

/// Looks until it is so, or the child is gone.
fn until(child: &Mutex<Child>, is: impl Fn() -> bool) -> Option<()> {
    while !is() {
        if child.lock().unwrap().try_wait().unwrap().is_some() {
            return None;
        }
    }
    Some(())
}

/// The files of a credential, from outside.
struct Look {
    target: String,
    drafts: Vec<PathBuf>,
}

impl Look {
    fn at(file: &Path) -> Self {
        let target = std::fs::read_to_string(file).unwrap_or_default();
        Self { target, drafts: mcpauth::sys::private_file::left(file) }
    }

    /// A draft has a byte that is not its room.
    fn has_begun(&self) -> bool {
        let begun =
            |draft: &PathBuf| std::fs::read(draft).is_ok_and(|bytes| bytes.first().is_some_and(|b| *b != 0));
        self.drafts.iter().any(begun)
    }

    /// The refresh token in a draft that is whole.
    fn whole(&self) -> Option<String> {
        self.drafts.iter().find_map(|draft| {
            let text = mcpauth::sys::private_file::read_left(draft).ok()??;
            let object: Value = serde_json::from_str(&text).ok()?;
            Some(object["refresh_token"].as_str()?.to_owned())
        })
    }
}

/// A user with the login that is valid now.
fn log_in(user: &User, provider: &Provider) {
    let mut token = Provider::token(provider.state.lock().unwrap().good);
    token["provider"] = "tracker".into();
    token["expires_at"] = 1.into();
    user.file(&format!(".oauth-tokens/{FILE}"), &token.to_string());
}

fn kill_at(user: &User, provider: &Provider, point: Point) -> Came {
    let file = user.project().join(".oauth-tokens").join(FILE);
    let before = read_json(&file);
    let mut command = user.command(&["egress"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut locked = provider.state.lock().unwrap();
    let child = Arc::new(Mutex::new(command.spawn().unwrap()));
    locked.kill = Some((point, child.clone(), file.clone()));
    drop(locked);
    let ended = loop {
        // Not waited for with the lock held: the provider is the one who kills.
        if let Some(ended) = child.lock().unwrap().try_wait().unwrap() {
            break ended;
        }
        std::thread::yield_now();
    };
    let mut locked = provider.state.lock().unwrap();
    locked.kill = None;
    let (good, spent) = (Provider::token(locked.good), locked.spent);
    drop(locked);
    let after = read_json(&file);
    let is_new = after["refresh_token"] == good["refresh_token"];
    assert!(is_new || after == before, "{point:?}: the old file or the new one");
    let look = Look::at(&file);
    let whole = look.whole().is_some_and(|token| Some(token.as_str()) == good["refresh_token"].as_str());
    // The next run has a token, or says what to do.
    let next = user.run(&["egress"]);
    let lost = next.code == Some(4);
    if lost {
        assert!(!is_new && !whole, "{point:?}: it was there and was not taken up");
        assert!(next.stdout.contains("mcpauth egress --config-set 1"), "{point:?}: {}", next.stdout);
        log_in(user, provider);
    } else {
        assert_eq!(next.code, Some(0), "{point:?}: {}", next.stderr);
        assert_eq!(provider.state.lock().unwrap().spent, spent, "{point:?}: a used refresh token was sent");
    }
    assert!(Look::at(&file).drafts.is_empty(), "{point:?}: nothing stays behind");
    let taken_up = whole && !is_new && !lost;
    Came { kills: 1, finished: ended.success().into(), taken_up: taken_up.into(), lost: lost.into() }
}

#[test]
fn killed_at_two_hundred_points_a_refresh_loses_nothing_that_had_reached_the_disk() {
    let asked = [Point::Asked; 10];
    let points = asked
        .into_iter()
        .chain((0..50).map(|n| Point::Answering(n * 2)))
        .chain((0..60).map(|n| Point::Answered(n * n / 12)))
        .chain((0..50).map(|n| Point::Writing(n / 2)))
        .chain((0..30).map(Point::Placed));
    let points: Vec<Point> = points.collect();
    assert_eq!(points.len(), 200);
    let came: Mutex<HashMap<std::mem::Discriminant<Point>, (Point, Came)>> = Mutex::default();
    std::thread::scope(|scope| {
        for part in 0..4 {
            let (points, came) = (&points, &came);
            scope.spawn(move || {
                let provider = Provider::start();
                let mut user = User::new();
                user.tracker("tracker", 1, &provider.base, "http://127.0.0.1:0/callback", "");
                log_in(&user, &provider);
                for point in points.iter().skip(part).step_by(4) {
                    let one = kill_at(&user, &provider, *point);
                    let mut came = came.lock().unwrap();
                    let sum =
                        &mut came.entry(std::mem::discriminant(point)).or_insert((*point, Came::default())).1;
                    sum.kills += one.kills;
                    sum.finished += one.finished;
                    sum.taken_up += one.taken_up;
                    sum.lost += one.lost;
                }
            });
        }
    });
    let mut came: Vec<(Point, Came)> = came.into_inner().unwrap().into_values().collect();
    came.sort_by_key(|(point, _)| *point);
    for (point, Came { kills, finished, taken_up, lost }) in &came {
        let name = format!("{point:?}");
        let name = name.split('(').next().unwrap();
        eprintln!("{name}: {kills} kills, {finished} too late, {taken_up} taken up, {lost} lost");
    }
    for (point, sum) in came {
        // What the provider has not answered is still valid; what is in place is ours. Between the answer and our
        // first byte it is lost.
        if matches!(point, Point::Asked | Point::Placed(_)) {
            assert_eq!(sum.lost, 0, "{point:?}");
        }
    }
}

/// A user whose login ended, at a provider that takes the refresh token `r1` alone.
fn at_rest() -> (User, Scripted, PathBuf) {
    let server = Scripted::start(|asked| match asked.field("refresh_token").as_deref() {
        Some("r1") => {
            (200, json!({"access_token": "a2", "refresh_token": "r2", "expires_in": 3600}).to_string())
        }
        _ => (400, r#"{"error":"invalid_grant"}"#.into()),
    });
    let mut user = User::new();
    user.tracker("tracker", 1, &server.base, "http://127.0.0.1:0/callback", "");
    let file = user.file(&format!(".oauth-tokens/{FILE}"), &kept("r0", 1_000).to_string());
    (user, server, file)
}

fn kept(refresh_token: &str, saved_at: i64) -> Value {
    json!({"provider": "tracker", "access_token": "a", "refresh_token": refresh_token, "expires_at": 1,
           "saved_at": mcpauth::sys::clock::human(saved_at)})
}

fn draft(user: &User, name: &str, text: &str) -> PathBuf {
    user.file(&format!(".oauth-tokens/.mcpauth-{FILE}.{name}.tmp"), text)
}

#[test]
fn what_a_killed_run_had_written_is_taken_up_under_the_lock() {
    for room in ["", "\0", &"\0".repeat(30_000)] {
        let (user, server, file) = at_rest();
        let left = draft(&user, "Ab12cd", &format!("{}{room}", kept("r1", 2_000)));
        user.run(&["egress"]).code(0);
        let sent: Vec<_> = server.asked().iter().map(|asked| asked.field("refresh_token").unwrap()).collect();
        assert_eq!(sent, ["r1"], "the used one is not tried");
        assert_eq!((read_json(&file)["refresh_token"].as_str(), left.exists()), (Some("r2"), false));
    }
}

#[test]
fn of_several_the_newest_is_taken_up() {
    let (user, server, _) = at_rest();
    draft(&user, "aaaaaa", &kept("rA", 2_000).to_string());
    draft(&user, "mmmmmm", &kept("r1", 4_000).to_string());
    draft(&user, "zzzzzz", &kept("rZ", 3_000).to_string());
    user.run(&["egress"]).code(0);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn what_is_not_whole_not_newer_or_not_ours_is_not_taken_up() {
    let whole = kept("r1", 2_000).to_string();
    let mut foreign = kept("r1", 2_000);
    foreign["client_id"] = "another".into();
    let torn = format!("{}{}", &whole[..60], "\0".repeat(9_000));
    let hole = format!("{}{}{}", &whole[..40], "\0".repeat(40), &whole[80..]);
    let twice = format!("{whole}{whole}");
    let wrong = [
        String::new(),
        "\0".repeat(32_768),
        torn,
        hole,
        twice,
        whole[..whole.len() - 1].to_owned(),
        "[]".into(),
        r#"{"refresh_token": "r1"}"#.into(),
        kept("r1", 500).to_string(),
        foreign.to_string(),
    ];
    for text in wrong {
        let (user, server, file) = at_rest();
        let left = draft(&user, "Ab12cd", &text);
        user.run(&["egress"]).code(4);
        assert_eq!(server.asked()[0].field("refresh_token").as_deref(), Some("r0"), "{text:?}");
        assert!(!left.exists() && read_json(&file)["refresh_token"].is_null(), "{text:?}");
    }
}

#[test]
fn what_others_can_read_or_redirect_is_left_alone() {
    let whole = kept("r1", 2_000).to_string();
    for odd in ["mode", "link", "folder"] {
        let (user, server, _) = at_rest();
        let left = draft(&user, "Ab12cd", &whole);
        match odd {
            "mode" => std::fs::set_permissions(&left, std::fs::Permissions::from_mode(0o644)).unwrap(),
            "link" => {
                let elsewhere = user.file("elsewhere.json", &whole);
                std::fs::remove_file(&left).unwrap();
                symlink(elsewhere, &left).unwrap();
            }
            _ => {
                std::fs::remove_file(&left).unwrap();
                std::fs::create_dir(&left).unwrap();
            }
        }
        user.run(&["egress"]).code(4);
        assert_eq!(server.asked()[0].field("refresh_token").as_deref(), Some("r0"), "{odd}");
        assert!(left.symlink_metadata().is_ok(), "{odd}");
    }
}

#[test]
fn another_credentials_draft_is_left_alone() {
    let (user, server, _) = at_rest();
    let whole = kept("r1", 2_000).to_string();
    for name in [".mcpauth-x-tracker-egress.json.Ab12cd.tmp", ".mcpauth-tracker-egress.json.b.Ab12cd.tmp"] {
        let left = user.file(&format!(".oauth-tokens/{name}"), &whole);
        user.run(&["egress"]).code(4);
        assert!(left.exists(), "{name}");
    }
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn logging_out_leaves_no_draft() {
    let (user, _, file) = at_rest();
    let left = draft(&user, "Ab12cd", &kept("r1", 2_000).to_string());
    user.run(&["logout", "tracker"]).code(0);
    assert!(!file.exists() && !left.exists());
    let left = draft(&user, "Ab12cd", &kept("r1", 2_000).to_string());
    user.run(&["logout", "tracker"]);
    assert!(!left.exists());
}

/// `doctor --fix` removes litter, and a credential is not litter.
#[test]
fn what_a_killed_run_had_written_is_not_cleaned_away() {
    let (user, server, _) = at_rest();
    let whole = draft(&user, "Ab12cd", &kept("r1", 2_000).to_string());
    let torn = draft(&user, "Ef34gh", "{\"refresh_token\":");
    for path in [&whole, &torn] {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    let ran = user.run(&["doctor", "--offline", "--fix"]);
    assert!(ran.stdout.contains("holds a credential that an interrupted run"), "{}", ran.stdout);
    assert!(whole.exists() && !torn.exists(), "{}", ran.stdout);
    user.run(&["egress"]).code(0);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn logging_out_of_everything_leaves_no_draft_that_has_no_file() {
    let (user, _, file) = at_rest();
    std::fs::remove_file(&file).unwrap();
    let left = draft(&user, "Ab12cd", &kept("r1", 2_000).to_string());
    user.run(&["logout", "--all", "--yes"]).code(0);
    assert!(!left.exists());
}
