//! The program's output. Commands print through here and nowhere else: stdout is for output,
//! stderr for people.

use std::io::{ErrorKind, Write};

use crate::exit::Failure;

/// Prints `text` and a line end. A reader that went away ends the program quietly, as `head` does
/// to the rest of a pipe.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    match written {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::Io(format!("can't write to stdout: {error}"))),
    }
}

/// Says on stderr why the program fails; there is nobody to tell if that fails too.
pub fn complain(text: &str) {
    let mut stderr = std::io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(stderr, "tidegate: {line}");
    }
}
