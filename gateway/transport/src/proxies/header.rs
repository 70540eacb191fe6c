//! The header of the PROXY protocol, versions 1 (text) and 2 (binary). Pure.
//!
//! Read here and not by a crate: the one that parses it brings a second version of `thiserror`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What version 2 begins with.
pub(crate) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// What version 1 begins with.
pub(crate) const TEXT: &[u8; 6] = b"PROXY ";
/// The longest header of version 1, its line end included.
pub(crate) const TEXT_MAX_BYTES: usize = 107;
/// Version 2: signature, command, family, length.
pub(crate) const FIXED_BYTES: usize = 16;

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// The client's address, from a line with its end; `None` where the proxy does not know it, or
/// speaks for itself.
pub(crate) fn text(line: &[u8]) -> Result<Option<IpAddr>, Malformed> {
    let line = line.strip_suffix(b"\r\n").ok_or(Malformed("the line has no end"))?;
    let line = std::str::from_utf8(line).map_err(|_| Malformed("the line is no text"))?;
    let mut words = line.split(' ').skip(1);
    let family = words.next().ok_or(Malformed("there is no protocol"))?;
    if family == "UNKNOWN" {
        return Ok(None);
    }
    let [Some(source), Some(target), Some(from), Some(to), None] =
        std::array::from_fn(|_| words.next())
    else {
        return Err(Malformed("two addresses and two ports belong there"));
    };
    let fits = |text: &str| -> Option<IpAddr> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let is_port = |text: &str| {
        text.bytes().all(|digit| digit.is_ascii_digit()) && text.parse::<u16>().is_ok()
    };
    if fits(target).is_none() || !is_port(from) || !is_port(to) {
        return Err(Malformed("an address or a port is none"));
    }
    fits(source).map(Some).ok_or(Malformed("an address or a port is none"))
}

/// How many bytes follow the fixed part of a header of version 2.
pub(crate) fn rest_of(fixed: &[u8; FIXED_BYTES]) -> usize {
    usize::from(u16::from_be_bytes([fixed[14], fixed[15]]))
}

/// The client's address, from the fixed part and what follows; `None` as for [`text`].
pub(crate) fn binary(fixed: &[u8; FIXED_BYTES], rest: &[u8]) -> Result<Option<IpAddr>, Malformed> {
    match fixed[12] {
        // The proxy's own connection: a health check.
        0x20 => return Ok(None),
        0x21 => {}
        _ => return Err(Malformed("version or command is not known")),
    }
    // High half: the family; what follows the addresses are extensions that nobody reads here.
    match (fixed[13] >> 4, fixed[13] & 15) {
        (1, 0..=2) => match rest.first_chunk::<12>() {
            Some([a, b, c, d, ..]) => Ok(Some(Ipv4Addr::new(*a, *b, *c, *d).into())),
            None => Err(Malformed("the addresses are cut off")),
        },
        (2, 0..=2) => match (rest.first_chunk::<16>(), rest.len()) {
            (Some(source), 36..) => Ok(Some(Ipv6Addr::from(*source).into())),
            _ => Err(Malformed("the addresses are cut off")),
        },
        (0 | 3, 0..=2) => Ok(None),
        _ => Err(Malformed("the family is not known")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(command: u8, family: u8) -> [u8; FIXED_BYTES] {
        let mut fixed = [0; FIXED_BYTES];
        fixed[..12].copy_from_slice(SIGNATURE);
        (fixed[12], fixed[13]) = (command, family);
        fixed
    }

    #[test]
    fn lines() {
        let good = [
            ("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n", Some("192.0.2.1")),
            ("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", Some("2001:db8::1")),
            ("PROXY UNKNOWN\r\n", None),
            ("PROXY UNKNOWN ffff:f::1 whatever\r\n", None),
        ];
        for (line, address) in good {
            let address = address.map(|text| text.parse().expect("an address"));
            assert_eq!(text(line.as_bytes()), Ok(address), "{line}");
        }
        for bad in [
            "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 56324\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443 1\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 56324 65536\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 +1 443\r\n",
            "PROXY TCP4 ::1 10.0.0.1 1 443\r\n",
            "PROXY TCP6 192.0.2.1 10.0.0.1 1 443\r\n",
            "PROXY UDP4 192.0.2.1 10.0.0.1 1 443\r\n",
            "PROXY \r\n",
            "PROXY TCP4  192.0.2.1 10.0.0.1 1 443\r\n",
        ] {
            assert!(text(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(text(b"PROXY TCP4 \xff\r\n").is_err());
    }

    #[test]
    fn binaries() {
        let v4 = [192, 0, 2, 1, 10, 0, 0, 1, 0, 1, 0, 2];
        let address = "192.0.2.1".parse().ok();
        assert_eq!(binary(&fixed(0x21, 0x11), &v4), Ok(address));
        let extended = [&v4[..], &[0x03, 0, 4, 1, 2, 3, 4]].concat();
        assert_eq!(binary(&fixed(0x21, 0x11), &extended), Ok(address));
        let mut v6 = [0; 36];
        v6[15] = 7;
        assert_eq!(binary(&fixed(0x21, 0x21), &v6), Ok("::7".parse().ok()));
        assert_eq!(binary(&fixed(0x20, 0x00), &[]), Ok(None));
        assert_eq!(binary(&fixed(0x20, 0x11), &v4), Ok(None));
        assert_eq!(binary(&fixed(0x21, 0x00), &[]), Ok(None));
        assert_eq!(binary(&fixed(0x21, 0x31), &[0; 216]), Ok(None));
        for (command, family, rest) in
            [(0x11, 0x11, &v4[..]), (0x22, 0x11, &v4), (0x21, 0x41, &v4), (0x21, 0x13, &v4)]
        {
            assert!(binary(&fixed(command, family), rest).is_err(), "{command} {family}");
        }
        assert!(binary(&fixed(0x21, 0x11), &v4[..11]).is_err());
        assert!(binary(&fixed(0x21, 0x21), &v6[..35]).is_err());
        let mut long = fixed(0x21, 0x11);
        (long[14], long[15]) = (1, 2);
        assert_eq!(rest_of(&long), 258);
    }
}
