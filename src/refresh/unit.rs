//! A service file for this folder and these settings, by absolute paths. It leaves installing it to its reader.

use std::path::Path;

use crate::clients::launch;
use crate::config::Config;
use crate::error::Error;
use crate::sys::paths;

/// What is to start the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Supervisor {
    Systemd,
    Launchd,
}

/// A service file.
pub(crate) struct Unit {
    pub(crate) text: String,
    /// How it is installed.
    pub(crate) advice: &'static str,
    /// The settings that only this environment has.
    pub(crate) lost: Vec<String>,
}

/// Where and how it runs.
struct UnitFile {
    /// The program and its arguments.
    command: Vec<String>,
    folder: String,
    log: String,
}

impl Unit {
    /// The file for a service with these flags, beside those that say where everything is.
    ///
    /// # Errors
    /// A folder whose name does not fit into one, or our own program that cannot be found.
    pub(crate) fn of(
        supervisor: Supervisor,
        flags: impl IntoIterator<Item = String>,
        config: &Config,
    ) -> Result<Self, Error> {
        let mut command = launch::command(config)?;
        command.push("refresh".into());
        command.extend(flags);
        let service = UnitFile {
            command,
            folder: text(&paths::absolute(Path::new("."))),
            log: text(&config.tokens_dir.join(".refresh.log")),
        };
        // A line of its own would be a directive of its own.
        if service.folder.chars().any(char::is_control) {
            let message = "this folder's name holds a control character".into();
            return Err(Error::Usage { message, hint: "run the service from another folder".into() });
        }
        let (text, advice) = match supervisor {
            Supervisor::Systemd => (
                systemd(&service),
                "save it as ~/.config/systemd/user/mcpauth-refresh.service, then run: systemctl --user daemon-reload && \
                 systemctl --user enable --now mcpauth-refresh",
            ),
            Supervisor::Launchd => (
                launchd(&service),
                "save it as ~/Library/LaunchAgents/mcpauth.refresh.plist, then run: launchctl bootstrap gui/$(id -u) \
                 ~/Library/LaunchAgents/mcpauth.refresh.plist",
            ),
        };
        Ok(Self { text, advice, lost: launch::lost(config).into_iter().map(str::to_owned).collect() })
    }
}

/// A renewal that is under way has until the network's own deadline (30 s, and as much for finding out where to ask).
/// Settings that a person must correct are no reason to start again (2). What the service needs is the network, its
/// files, and whatever its hook needs, which is why the file system is left open.
fn systemd(service: &UnitFile) -> String {
    let command: Vec<String> = service.command.iter().map(|word| systemd_word(word)).collect();
    format!(
        "[Unit]
Description=mcpauth keeps credentials for MCP servers fresh

[Service]
Type=notify
ExecStart={}
ExecReload=/bin/kill -HUP $MAINPID
WorkingDirectory={}
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2
SuccessExitStatus=143
TimeoutStopSec=60
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native

[Install]
WantedBy=default.target
",
        command.join(" "),
        service.folder.replace('%', "%%"),
    )
}

/// One word of a command line, as systemd unquotes it: specifiers and variables are what it would put in.
fn systemd_word(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{}\"", escaped.replace('%', "%%").replace('$', "$$"))
}

fn launchd(service: &UnitFile) -> String {
    let words: String =
        service.command.iter().map(|word| format!("    <string>{}</string>\n", xml(word))).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<plist version=\"1.0\">
<dict>
  <key>Label</key>
  <string>mcpauth.refresh</string>
  <key>ProgramArguments</key>
  <array>
{words}  </array>
  <key>WorkingDirectory</key>
  <string>{}</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>60</integer>
  <key>ExitTimeOut</key>
  <integer>60</integer>
  <key>ProcessType</key>
  <string>Background</string>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardErrorPath</key>
  <string>{}</string>
</dict>
</plist>
",
        xml(&service.folder),
        xml(&service.log),
    )
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_themselves_to_systemd() {
        let cases = [
            ("plain", "\"plain\""),
            ("two words", "\"two words\""),
            ("100%h $HOME", "\"100%%h $$HOME\""),
            (r#"a"b\c"#, r#""a\"b\\c""#),
            ("a\nb", "\"a\\nb\""),
        ];
        for (word, expected) in cases {
            assert_eq!(systemd_word(word), expected);
        }
    }

    #[test]
    fn words_mean_themselves_in_xml() {
        assert_eq!(xml("a<b>&\"c\""), "a&lt;b&gt;&amp;\"c\"");
    }
}
