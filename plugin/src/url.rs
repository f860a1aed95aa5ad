//! Web addresses, as far as the channel has to judge them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The parts of an absolute `http` or `https` address.
#[derive(Debug, PartialEq)]
pub(crate) struct Url<'a> {
    /// It begins with `https://`.
    pub(crate) secure: bool,
    /// Before the `@`, which is no place for a credential.
    pub(crate) user_info: Option<&'a str>,
    /// The host; an IPv6 address without its brackets.
    pub(crate) host: &'a str,
    /// A port is written behind the host.
    pub(crate) has_port: bool,
    /// From the first `/` on, without query and fragment.
    pub(crate) path: &'a str,
    /// A `?` or `#` follows the path.
    pub(crate) has_query_or_fragment: bool,
}

impl<'a> Url<'a> {
    /// The parts of `text`, or what keeps it from being such an address.
    pub(crate) fn parse(text: &'a str) -> Result<Self, &'static str> {
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err("holds a space, a control character or a backslash");
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("does not begin with https://")?;
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return Err("does not begin with https://");
        }
        let (address, has_query_or_fragment) = match rest.find(['?', '#']) {
            Some(end) => (&rest[..end], true),
            None => (rest, false),
        };
        let (authority, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let (user_info, host_and_port) = match authority.rsplit_once('@') {
            Some((user_info, rest)) => (Some(user_info), rest),
            None => (None, authority),
        };
        let (host, port) = match host_and_port.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or("has no good host")?;
                host.parse::<Ipv6Addr>().map_err(|_| "has no good host")?;
                (host, rest)
            }
            None => host_and_port.split_at(host_and_port.find(':').unwrap_or(host_and_port.len())),
        };
        let good_host = host
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | ':'));
        if !good_host || host.trim_matches('.').is_empty() {
            return Err("has no good host");
        }
        let good_port = port.is_empty()
            || port.strip_prefix(':').is_some_and(|port| {
                port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
            });
        if !good_port {
            return Err("has no good port");
        }
        Ok(Self {
            secure,
            user_info,
            host,
            has_port: !port.is_empty(),
            path,
            has_query_or_fragment,
        })
    }

    /// The host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
            || self.host.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let url = Url::parse("https://user@example.com:8443/a/b?c#d").unwrap();
        assert_eq!(
            url,
            Url {
                secure: true,
                user_info: Some("user"),
                host: "example.com",
                has_port: true,
                path: "/a/b",
                has_query_or_fragment: true,
            }
        );
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        for text in [
            "",
            "example.com",
            "ftp://example.com",
            "https://",
            "https:///path",
            "https://.",
            "https://exa mple.com",
            "https://example.com\\@evil.com",
            "https://example.com:",
            "https://example.com:+80",
            "https://example.com:65536",
            "https://[::1",
            "https://[nonsense]",
            "https://a<b",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_is_told_from_names_that_look_like_it() {
        for (text, loopback) in [
            ("http://localhost", true),
            ("http://LOCALHOST:80", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:1", true),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(Url::parse(text).unwrap().is_loopback(), loopback, "{text}");
        }
    }
}
