//! `demo --deliver`: real webhook bodies, one after the other, and what becomes of each.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::transcript::write;
use super::{Stage, print};
use crate::cli::read;

/// Delivers every file, and tells of each what it was answered and what it gave. Fails where one is not answered with 200.
pub(super) async fn all(stage: &Stage, files: &[PathBuf]) -> Result<()> {
    // A greeting would have statuses, and they would be webhooks too.
    stage.add(stage.simulator.api_key(), None).await?;
    let (_, start) = stage.events(0).await?;
    let (mut given, mut parked) = (0, 0);
    for file in files {
        let status = stage.simulator.post(read(file)?).await;
        let status = status.with_context(|| format!("{} was not answered", file.display()))?;
        stage.taken_in().await?;
        let latest = [("limit", Some("1".to_owned()))];
        let deliveries = stage.get(&["deliveries"], &latest).await?;
        let delivery = &deliveries["deliveries"][0];
        let became = if delivery["state"] == "parked" {
            parked += 1;
            format!("parked: {}", print::text(delivery, "/reason"))
        } else {
            let events = delivery["events"].as_u64().unwrap_or_default();
            given += events;
            format!("events: {events}")
        };
        write(&format!("{status}  {became:<17}  {}\n", file.display()))?;
        ensure!(status == 200, "{} was refused", file.display());
    }
    let (events, _) = stage.events(start).await?;
    // What the host tells of its own messages and of the channel is of no webhook.
    let of_webhooks = |event: &&Value| event["type"] != "delivery" && event["type"] != "channel";
    let listed = u64::try_from(events.iter().filter(of_webhooks).count())?;
    write(&format!(
        "\n{} bodies, each answered with 200: {} taken in, {parked} parked with the reason.\n{given} events came of them, and \
         {listed} are in the list of events: what came again is not told again.\n",
        files.len(),
        files.len() - parked,
    ))
}
