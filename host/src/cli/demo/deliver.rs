//! `demo --deliver`: real webhook bodies, one after the other, and what becomes of each.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use super::transcript::write;
use super::{Stage, print};
use crate::cli::{Status, read};

/// Delivers every file, and tells of each what it was answered and what it gave. One that is not answered with 200 was refused.
pub(super) async fn all(stage: &Stage, files: &[PathBuf]) -> Result<Status> {
    let bodies: Vec<_> = files.iter().map(|file| read(file)).collect::<Result<_>>()?;
    // A greeting would have statuses, and they would be webhooks too.
    stage.add(stage.simulator.api_key(), None).await?;
    let (_, start) = stage.events(0).await?;
    let (mut given, mut parked, mut refused) = (0, 0, 0);
    for (file, body) in files.iter().zip(bodies) {
        // A body far too large may be cut off before the answer has come.
        let status = stage.simulator.post(body).await;
        let answer = status.map_or("---".to_owned(), |status| status.to_string());
        let became = if status == Some(200) {
            stage.taken_in().await?;
            let latest = [("limit", Some("1".to_owned()))];
            let deliveries = stage.get(&["deliveries"], &latest).await?;
            let delivery = &deliveries["deliveries"][0];
            if delivery["state"] == "parked" {
                parked += 1;
                format!("parked: {}", print::text(delivery, "/reason"))
            } else {
                let events = delivery["events"].as_u64().unwrap_or_default();
                given += events;
                format!("events: {events}")
            }
        } else {
            refused += 1;
            "refused".to_owned()
        };
        write(&format!("{answer}  {became:<17}  {}\n", file.display()))?;
    }
    let (events, _) = stage.events(start).await?;
    // What the host tells of its own messages and of the channel is of no webhook.
    let of_webhooks = |event: &&Value| event["type"] != "delivery" && event["type"] != "channel";
    let listed = u64::try_from(events.iter().filter(of_webhooks).count())?;
    let (status, answered) = match refused {
        0 => (Status::Done, "each answered with 200".to_owned()),
        _ => (Status::Refused, format!("{refused} refused")),
    };
    write(&format!(
        "\n{} bodies, {answered}: {} taken in, {parked} parked with the reason.\n{given} events came of them, and \
         {listed} are in the list of events: what came again is not told again.\n",
        files.len(),
        files.len() - parked - refused,
    ))?;
    Ok(status)
}
