//! A service file for this folder and these settings, with absolute paths. Not here: installing it (the reader does
//! that).

use std::path::Path;

use clap::ValueEnum;

use crate::clients::launch;
use crate::config::Config;
use crate::error::Error;
use crate::sys::paths;

/// The system that starts the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Supervisor {
    /// A systemd user unit
    Systemd,
    /// A launchd agent
    Launchd,
}

/// A service file.
pub(crate) struct Unit {
    pub(crate) text: String,
    /// How to install it.
    pub(crate) advice: &'static str,
    /// The settings that only this environment has.
    pub(crate) lost: Vec<String>,
}

/// Where and how the service runs.
struct UnitFile {
    /// The program and its arguments.
    command: Vec<String>,
    folder: String,
    log: String,
}

impl Unit {
    /// The file for a service with these flags, in addition to those that locate settings and tokens.
    ///
    /// # Errors
    /// A folder whose name cannot be written into one, or our own program cannot be found.
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
            log: text(&config.service_dir().join(".refresh.log")),
        };
        // A line break would start another directive.
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

/// A running renewal has until the network's own deadline (30 s, and as much for discovery). Settings that need
/// correction are no reason to restart (2). The service needs the network, its files, and whatever its hook needs, so
/// the file system is not restricted.
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

/// One word of a command line, quoted for systemd: specifiers and variables would be expanded.
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
