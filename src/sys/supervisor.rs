//! Tells the supervisor that we are ready, by systemd's protocol (sd_notify). Not here: when that is (see `cli`).

/// Sends "ready" to the socket in `NOTIFY_SOCKET`, if it is set.
#[cfg(unix)]
pub fn ready() {
    let Some(name) = crate::sys::env::get("NOTIFY_SOCKET") else { return };
    // A failure is not an error: the supervisor notices anyway.
    let _ = send(&name, b"READY=1");
}

/// There is no supervisor protocol here.
#[cfg(not(unix))]
pub fn ready() {}

#[cfg(unix)]
fn send(name: &str, message: &[u8]) -> std::io::Result<()> {
    use std::os::unix::net::UnixDatagram;
    let socket = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(hidden) = name.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(hidden)?;
        return socket.send_to_addr(message, &address).map(drop);
    }
    socket.send_to(message, name).map(drop)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn the_message_arrives_at_a_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        super::send(path.to_str().unwrap(), b"READY=1").unwrap();
        let mut buffer = [0; 32];
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_message_arrives_at_an_abstract_name() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("mcpauth-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        super::send(&format!("@{name}"), b"READY=1").unwrap();
        let mut buffer = [0; 32];
        assert_eq!(socket.recv(&mut buffer).unwrap(), 7);
    }
}
