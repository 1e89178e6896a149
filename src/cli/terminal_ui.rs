//! The user's side of a login: the address, the countdown, the hint for another machine. Not here: the login itself
//! (see `flow`).

use std::time::Duration;

use url::Url;

use crate::cli::out::Out;
use crate::flow::Ui;
use crate::oauth::DeviceAuthorization;
use crate::sys::{env, terminal};

impl Ui for Out {
    fn authorize(&self, who: &str, url: &Url, listening: Option<&str>, within: Duration) {
        // On its own line and unbroken, so that a double click or a pipe takes it whole.
        self.must_say(&format!("{who}: log in within {} s at\n{url}", within.as_secs()));
        if let Some(port) = listening.and_then(|uri| Url::parse(uri).ok()).and_then(|uri| uri.port())
            && env::get("SSH_CONNECTION").is_some()
        {
            self.say(&format!(
                "  browser on another machine? run there: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE"
            ));
        }
        if self.can_paste() {
            self.say("  or paste here the address your browser ends up at");
        }
    }

    fn device(&self, who: &str, device: &DeviceAuthorization, within: Duration) {
        let DeviceAuthorization { verification_uri, user_code, .. } = device;
        self.must_say(&format!(
            "{who}: within {} s, on any device, open\n{verification_uri}",
            within.as_secs()
        ));
        self.must_say(&format!("and enter the code {user_code}"));
        // A link with the code in it is for the user at this terminal, not for a log that others read.
        if let Some(complete) = device.verification_uri_complete.as_ref().filter(|_| terminal::interactive())
        {
            self.must_say(&format!("  or open, with the code in it: {complete}"));
        }
        self.say("  if you did not start this, or the page shows another code, do not continue");
    }

    fn remaining(&self, who: &str, left: Duration) {
        self.doing(who, format!("waiting for you, {} s left", left.as_secs()));
    }

    fn note(&self, who: &str, text: &str) {
        self.say(&format!("{who}: {text}"));
    }

    fn can_paste(&self) -> bool {
        terminal::interactive()
    }

    fn shows_typing(&self) -> bool {
        self.draws()
    }

    fn typed(&self, text: &str) {
        self.show_typed(text);
    }
}
