//! The running simulator, over its control API.

use std::time::Duration;

use axum::http::Method;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::print::plain;
use crate::post::exchange;

/// How long a simulator may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a simulator did not do what was asked. It has no sources: a broken connection is not our closed output.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// It says why.
    #[error("{0}")]
    Refused(String),
    /// It does not answer.
    #[error("no simulator runs at {0}: start one with `simulator-360dialog serve` ({1})")]
    Unreachable(Url, String),
    /// Something else does.
    #[error("what answers at {0} is no simulator")]
    Foreign(Url),
}

/// Where a simulator runs.
pub(super) struct Remote(Url);

impl Remote {
    pub(super) fn new(base: Url) -> Self {
        Self(base)
    }

    pub(super) async fn get(&self, segments: &[&str]) -> Result<Value, Failure> {
        self.ask(Method::GET, segments, None, Vec::new()).await
    }

    pub(super) async fn post(
        &self,
        segments: &[&str],
        body: &impl Serialize,
    ) -> Result<Value, Failure> {
        // The control API's own types: they have no member without a name, and nothing that can't be written.
        let body = serde_json::json!(body).to_string().into_bytes();
        self.ask(Method::POST, segments, None, body).await
    }

    /// Sends a request to the address of these segments, and reads the answer.
    pub(super) async fn ask(
        &self,
        method: Method,
        segments: &[&str],
        query: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Value, Failure> {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("simulator").extend(segments);
        }
        url.set_query(query);
        let unreachable = |why: String| Failure::Unreachable(self.0.clone(), plain(&why));
        let exchange = exchange(method, &url, &[], body.into());
        let answer = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| unreachable(format!("no answer within {} seconds", PATIENCE.as_secs())))?
            .map_err(|error| unreachable(error.to_string()))?;
        let foreign = || Failure::Foreign(self.0.clone());
        let value: Value = serde_json::from_slice(answer.body()).map_err(|_| foreign())?;
        if answer.status().is_success() {
            return Ok(value);
        }
        let detail = value["detail"].as_str().ok_or_else(foreign)?;
        Err(Failure::Refused(plain(detail)))
    }
}
