//! `serve`: the simulator itself.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::{DEFAULT_AT, Usage, print, read};
use crate::{Flavour, Options, Simulator};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to listen: an address of this machine.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8360)))]
    listen: SocketAddr,
    /// The business's phone number, in digits.
    #[arg(long, value_name = "DIGITS", default_value_t = Options::default().number, value_parser = number)]
    number: String,
    /// The number's API key.
    #[arg(
        long,
        value_name = "KEY",
        env = "SIMULATOR_API_KEY",
        hide_env_values = true,
        default_value_t = Options::default().api_key
    )]
    api_key: String,
    #[command(flatten)]
    api: Api,
    /// Take webhooks at addresses of this machine, with a port and by plain http. 360dialog does not.
    #[arg(long)]
    allow_loopback_webhooks: bool,
    /// Deliver to this origin instead of the registered address's: the other end of a tunnel, on this machine.
    #[arg(long, value_name = "ORIGIN")]
    tunnel: Option<String>,
    /// Sign webhooks with the platform secret in this file.
    #[arg(long, value_name = "FILE")]
    platform_secret_file: Option<PathBuf>,
    /// How long a message takes to each of its statuses, in milliseconds; 300 where absent.
    #[arg(long, value_name = "MS")]
    status_step: Option<u64>,
    /// Tell no statuses but failures.
    #[arg(long, conflicts_with = "status_step")]
    no_statuses: bool,
    /// Approve templates by itself, after so many seconds. Without it they wait for `review`.
    #[arg(long, value_name = "SECONDS")]
    review: Option<u64>,
}

/// Which API to be; the Cloud one where none is named.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Api {
    /// Be the old on-premise API: templates and webhooks, and neither messages nor customers.
    #[arg(long)]
    on_premise: bool,
    /// Be the sandbox: messages to who has written, and a webhook.
    #[arg(long)]
    sandbox: bool,
}

impl Arguments {
    fn options(self) -> Result<Options, Usage> {
        let default = Options::default();
        let platform_secret = self.platform_secret_file.as_deref().map(|path| {
            let secret = String::from_utf8(read(path)?);
            let secret = secret.map_err(|_| Usage(format!("{} is no text", path.display())))?;
            Ok(secret.trim().to_owned())
        });
        let status_step = self.status_step.map(Duration::from_millis);
        Ok(Options {
            listen: self.listen,
            flavour: match (self.api.on_premise, self.api.sandbox) {
                (true, _) => Flavour::OnPremise,
                (_, true) => Flavour::Sandbox,
                _ => Flavour::Cloud,
            },
            number: self.number,
            api_key: self.api_key,
            allow_loopback_webhooks: self.allow_loopback_webhooks,
            tunnel: self.tunnel,
            platform_secret: platform_secret.transpose()?,
            status_step: status_step
                .or(default.status_step)
                .filter(|_| !self.no_statuses),
            review: self.review.map(Duration::from_secs),
            first_wait: default.first_wait,
        })
    }
}

/// Runs a simulator until it is told to end.
pub(super) async fn run(arguments: Arguments, json: bool) -> Result<()> {
    let options = arguments.options()?;
    let interruption = interruption()?;
    let simulator = Simulator::start(options.clone()).await?;
    let url = simulator.url();
    print::write(&if json {
        format!("{}\n", json!({"url": url}))
    } else {
        announcement(url, &options)
    })?;
    interruption.await;
    Ok(())
}

/// What to type next. A key that somebody chose is not shown.
fn announcement(url: &str, options: &Options) -> String {
    let chosen = options.api_key != Options::default().api_key;
    let key = if chosen { "YOUR-KEY" } else { &options.api_key };
    let number = &options.number;
    let at = if url == DEFAULT_AT {
        String::new()
    } else {
        format!(" --at {url}")
    };
    let customer =
        r#"customer  simulator-360dialog{at} customer --phone 16315551234 --name Ada say "Hi""#;
    let (health, api, act) = match options.flavour {
        Flavour::Cloud => ("/health_status", "", customer),
        Flavour::Sandbox => ("/v1/configs/webhook", r#""api": "sandbox", "#, customer),
        Flavour::OnPremise => (
            "/v1/health",
            r#""api": "on_premise", "#,
            "webhook   simulator-360dialog{at} deliver BODY.json",
        ),
    };
    let act = act.replace("{at}", &at);
    let webhooks = if options.allow_loopback_webhooks {
        "addresses of this machine are taken too, with a port and by plain http: 360dialog's ban on them is lifted"
    } else {
        "https without a port, as 360dialog has it; --allow-loopback-webhooks lifts that for this machine"
    };
    format!(
        "360dialog's API, simulated, at {url}\n\
         \n\
         webhooks  {webhooks}\n\
         settings  {{\"name\": \"Simulated\", \"phone_number\": \"+{number}\", \"api_key\": \"{key}\", \
         {api}\"base_url\": \"{url}\"}}\n\
         request   curl -H \"D360-API-KEY: {key}\" {url}{health}\n\
         {act}\n\
         seen      simulator-360dialog{at} requests --follow\n"
    )
}

/// Reads a phone number (E.164: at most 15 digits).
fn number(text: &str) -> Result<String, &'static str> {
    let is_number = (7..=15).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    let number = is_number.then(|| text.to_owned());
    number.ok_or("write 7 to 15 digits, the country's code first and without a +")
}

/// Listens for SIGINT and SIGTERM from now on; then waits for one.
#[cfg(unix)]
fn interruption() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn interruption() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            // The system ends the process by itself.
            std::future::pending().await
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits() {
        assert!(number("15550783881").is_ok());
        for wrong in ["+15550783881", "123", "1234567890123456", "1555 078388"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_announcement_says_what_it_lifts_and_keeps_a_chosen_key() {
        let mut options = Options::default();
        let said = announcement("http://127.0.0.1:1", &options);
        assert!(said.contains("D360-API-KEY: simulated-key"), "{said}");
        assert!(!said.contains("is lifted"), "{said}");
        options.api_key = "mine-alone".to_owned();
        options.allow_loopback_webhooks = true;
        let said = announcement("http://127.0.0.1:1", &options);
        assert!(!said.contains("mine-alone"), "{said}");
        assert!(said.contains("ban on them is lifted"), "{said}");
    }

    #[test]
    fn the_announcement_of_the_on_premise_api_names_no_customer() {
        let mut options = Options::default();
        let said = announcement("http://127.0.0.1:1", &options);
        assert!(said.contains("--at http://127.0.0.1:1 customer"), "{said}");
        options.flavour = Flavour::OnPremise;
        let said = announcement("http://127.0.0.1:1", &options);
        assert!(!said.contains("customer"), "{said}");
        assert!(said.contains("--at http://127.0.0.1:1 deliver"), "{said}");
    }
}
