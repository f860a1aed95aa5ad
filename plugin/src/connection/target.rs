//! 360dialog's rules for a webhook's address.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Problem, Problems, SOURCE_WEBHOOKS};
use crate::url::Url;

/// What 360dialog would not take, or not reach.
///
/// Where the API itself is on this machine, it is a stand-in that may deliver to this machine, so only what no server takes
/// is refused.
pub(super) fn check(address: &str, base_url: Option<&str>) -> Vec<Problem> {
    let mut problems = Problems::default();
    let mut add = |code, message| problems.add("/url", code, message, SOURCE_WEBHOOKS);
    let is_local =
        base_url.is_some_and(|base_url| Url::parse(base_url).is_ok_and(|url| url.is_loopback()));
    match Url::parse(address) {
        Err(reason) => add(
            "bad_url",
            format!("The webhook's address {reason}: give https://, a host and a path"),
        ),
        Ok(url) => {
            if url.user_info.is_some() {
                add(
                    "user_info",
                    "The webhook's address holds a user or password: leave everything before the @ out".to_owned(),
                );
            }
            if !is_local {
                public(&url, &mut add);
            }
        }
    }
    // The request that registers it has its placeholders filled.
    if address.contains(['{', '}']) {
        add(
            "bad_url",
            "The webhook's address holds a brace: leave it out".to_owned(),
        );
    }
    problems.into_vec()
}

fn public(url: &Url<'_>, add: &mut impl FnMut(&'static str, String)) {
    if !url.secure {
        add(
            "not_https",
            "360dialog delivers to https only: give an address that begins with https://"
                .to_owned(),
        );
    }
    if url.has_port {
        add(
            "port",
            "360dialog takes no address with a port: let a proxy or tunnel listen on 443 and leave the port out".to_owned(),
        );
    }
    if url.host.contains('_') {
        add(
            "underscore",
            "360dialog takes no host with _ in it: give the host another name".to_owned(),
        );
    }
    let is_ip = url.host.parse::<Ipv6Addr>().is_ok() || url.host.parse::<Ipv4Addr>().is_ok();
    if is_ip {
        add(
            "ip_address",
            "360dialog takes no IP address: give the host's name".to_owned(),
        );
    } else if url.is_loopback() {
        add(
            "not_public",
            "360dialog can't reach this machine by that name: give its public name, or a tunnel's"
                .to_owned(),
        );
    }
}
