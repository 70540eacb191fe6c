//! A network that carries TCP and UDP from one port to another, or either, or none.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// See the module.
pub(crate) struct Net {
    pub(crate) port: u16,
    weather: watch::Sender<Weather>,
    _tasks: JoinSet<()>,
}

#[derive(Clone, Copy)]
struct Weather {
    tcp: bool,
    udp: bool,
    /// So often clients of UDP got another address.
    rebinds: u32,
}

impl Net {
    /// To the port `to` of this machine.
    pub(crate) async fn to(to: u16) -> Self {
        let (tcp, udp) = loop {
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback");
            let port = udp.local_addr().expect("bound").port();
            // The number may be taken for TCP.
            if let Ok(tcp) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                break (tcp, udp);
            }
        };
        let port = tcp.local_addr().expect("bound").port();
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, to));
        let (weather, seen) = watch::channel(Weather { tcp: true, udp: true, rebinds: 0 });
        let mut tasks = JoinSet::new();
        tasks.spawn(carry_tcp(tcp, to, seen.clone()));
        tasks.spawn(carry_udp(Arc::new(udp), to, seen));
        Self { port, weather, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Without it connections are cut, and new ones as they come.
    pub(crate) fn tcp(&self, passes: bool) {
        self.weather.send_modify(|weather| weather.tcp = passes);
    }

    /// Without it packets are dropped.
    pub(crate) fn udp(&self, passes: bool) {
        self.weather.send_modify(|weather| weather.udp = passes);
    }

    /// Forgets who spoke UDP, as a router does that has restarted.
    pub(crate) fn rebind(&self) {
        self.weather.send_modify(|weather| weather.rebinds += 1);
    }
}

async fn carry_tcp(listener: TcpListener, to: SocketAddr, seen: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    while let Ok((mut inner, _)) = listener.accept().await {
        let mut seen = seen.clone();
        connections.spawn(async move {
            let carried = async {
                if let Ok(mut outer) = TcpStream::connect(to).await {
                    // How it ends is its ends' business.
                    let _ = copy_bidirectional(&mut inner, &mut outer).await;
                }
            };
            tokio::select! {
                biased;
                _ = seen.wait_for(|weather| !weather.tcp) => {}
                () = carried => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn carry_udp(inner: Arc<UdpSocket>, to: SocketAddr, seen: watch::Receiver<Weather>) {
    let (mut known, mut ways) = (HashMap::new(), JoinSet::new());
    let (mut buffer, mut rebinds) = (vec![0; 65_536], 0);
    loop {
        // A socket may report that nobody listened to the packet before.
        let Ok((count, client)) = inner.recv_from(&mut buffer).await else { continue };
        let weather = *seen.borrow();
        if !weather.udp {
            continue;
        }
        if weather.rebinds != rebinds {
            rebinds = weather.rebinds;
            known.clear();
        }
        let outer = match known.get(&client) {
            Some(outer) => Arc::clone(outer),
            None => {
                let outer = Arc::new(way(to).await);
                let back = carry_back(Arc::clone(&outer), Arc::clone(&inner), client, seen.clone());
                ways.spawn(back);
                known.insert(client, Arc::clone(&outer));
                outer
            }
        };
        // What can't be sent is lost, as packets are.
        let _ = outer.send(&buffer[..count]).await;
    }
}

async fn way(to: SocketAddr) -> UdpSocket {
    let outer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback");
    outer.connect(to).await.expect("loopback");
    outer
}

async fn carry_back(
    outer: Arc<UdpSocket>,
    inner: Arc<UdpSocket>,
    client: SocketAddr,
    seen: watch::Receiver<Weather>,
) {
    let mut buffer = vec![0; 65_536];
    loop {
        let Ok(count) = outer.recv(&mut buffer).await else { continue };
        if seen.borrow().udp {
            let _ = inner.send_to(&buffer[..count], client).await;
        }
    }
}
