//! Enough of Redis' protocol to ask a server on this machine.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// A blocking connection.
#[derive(Debug)]
pub struct Resp {
    stream: BufReader<TcpStream>,
}

impl Resp {
    /// Connects to `host:port`.
    pub fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// One command; the texts and numbers of its answer, flat.
    pub fn ask(&mut self, command: &[&str]) -> io::Result<Vec<String>> {
        let mut request = format!("*{}\r\n", command.len());
        for word in command {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        let mut left = 1;
        while left > 0 {
            left = left - 1 + self.piece(&mut answer)?;
        }
        Ok(answer)
    }

    /// Reads one piece; how many more belong to it.
    fn piece(&mut self, to: &mut Vec<String>) -> io::Result<usize> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let line = line.trim_end();
        let (kind, rest) = line.split_at_checked(1).unwrap_or_default();
        match kind {
            "+" | ":" => to.push(rest.to_owned()),
            "*" => return rest.parse().map_err(io::Error::other),
            "$" if rest == "-1" => to.push(String::new()),
            "$" => {
                let length: usize = rest.parse().map_err(io::Error::other)?;
                let mut bytes = vec![0; length + 2];
                self.stream.read_exact(&mut bytes)?;
                to.push(String::from_utf8_lossy(&bytes[..length]).into_owned());
            }
            _ => return Err(io::Error::other(format!("Redis says: {line}"))),
        }
        Ok(0)
    }
}
