//! Whether free-form messages are allowed to a contact, as far as this host knows.

use std::sync::Arc;
use std::time::Instant;

use super::SendError;
use crate::Instance;
use crate::capability::Lent;
use crate::channel::Channel;
use crate::contract::outbound::{ClosedWindow, Window, WindowState};
use crate::contract::types::{Problem, Recipient};
use crate::host::Shared;
use crate::inbox::ledger::Ledger;

/// A contact's window.
#[derive(Clone, Debug)]
pub struct Seen {
    /// How it stands.
    pub window: Window,
    /// What the channel remembers of it.
    pub state: Option<WindowState>,
    /// What to know where that is too little.
    pub warning: Option<Problem>,
}

/// How the window of a contact stands now. A channel without `window` has no such rule.
pub(crate) async fn seen(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    to: &Recipient,
) -> Result<Seen, SendError> {
    let state = remembered(host, channel, to).await?;
    let (window, warning) = evaluate(host, channel, state.as_ref()).await?;
    Ok(Seen {
        window,
        state,
        warning,
    })
}

/// What the channel remembers of a contact's window.
async fn remembered(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    to: &Recipient,
) -> Result<Option<WindowState>, SendError> {
    if !channel.plugin.has("contacts") || !channel.plugin.has("window") {
        return Ok(None);
    }
    // It only reads, so it need not wait for deliveries; what it wrote would be dropped.
    let ledger = Ledger::new(host.store.clone(), &channel.id, host.options.storage_keys);
    let lent = Lent {
        http: None,
        storage: Some(Arc::new(ledger)),
    };
    let window = async |sandbox: &mut Instance| sandbox.window(to).await;
    Ok(channel
        .call(host, "contacts.window", lent, window)
        .await??)
}

/// How a window stands of which this is remembered.
async fn evaluate(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    state: Option<&WindowState>,
) -> Result<(Window, Option<Problem>), SendError> {
    if !channel.plugin.has("window") {
        return Ok((Window::Unknown, None));
    }
    let now = host.clock.now();
    let mut window = Window::Unknown;
    if let Some(state) = state {
        let began = Instant::now();
        let evaluated = channel.plugin.evaluate(state, now).await;
        host.metrics
            .called(&channel.id, "window.evaluate", &evaluated, began.elapsed());
        window = evaluated?;
    }
    let mut warning = None;
    if window == Window::Unknown {
        // Whoever wrote since the channel listens would be known.
        let length = channel.description.window.as_ref();
        let length = length.map_or(u64::MAX, |rule| u64::from(rule.length_seconds) * 1000);
        let listening = channel.current().listening_since;
        if listening.is_some_and(|since| now.saturating_sub(since) >= length) {
            window = Window::Closed(ClosedWindow {
                since: None,
                because: None,
            });
        } else {
            warning = Some(Problem {
                pointer: "/to".to_owned(),
                code: "window_unknown".to_owned(),
                message: "this channel has not listened long enough to know whether the contact wrote lately: the \
                          vendor may refuse the message; import known contacts, or send a template"
                    .to_owned(),
                source: None,
            });
        }
    }
    host.metrics.window_evaluated(&channel.id, &window);
    Ok((window, warning))
}
