//! Options of listening sockets that differ between systems, and whether a port is listened on. Not here: who listens
//! where (see `flow` and the gateway).

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::Socket;
use tokio::net::TcpSocket;

/// Whether several listeners can share a port, each getting a share of the connections.
pub const PORTS_ARE_SHARED: bool = cfg!(unix);

/// How long a listener on this machine has to take a connection.
const AT_ONCE: Duration = Duration::from_millis(500);

/// Whether somebody listens at an address of this machine.
pub fn is_listening(at: SocketAddr) -> bool {
    TcpStream::connect_timeout(&at, AT_ONCE).is_ok()
}

/// Lets a port be bound again at once: otherwise a port that was just released counts as busy for a minute on Unix.
/// On Windows the same option would let others take a port that is in use.
pub fn rebind_at_once(socket: &TcpSocket) -> io::Result<()> {
    if cfg!(unix) { socket.set_reuseaddr(true) } else { Ok(()) }
}

/// Lets several listeners share a port, each getting a share of the connections; on systems without that, only one
/// may listen.
pub fn share_port(socket: &Socket, shared: bool) -> io::Result<()> {
    #[cfg(unix)]
    socket.set_reuse_port(shared)?;
    #[cfg(not(unix))]
    let _ = (socket, shared);
    Ok(())
}
