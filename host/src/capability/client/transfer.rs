//! Files, which go past the sandbox: their bytes are streamed. Everything but their size and time is bounded as it is for
//! other requests, and they go where those may go.

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, multipart};

use super::{Client, Sent, is_encoded};
use crate::contract::http::{Failure, Request, Response};

/// A file as the body of a request.
pub(crate) enum FileBody {
    /// As it is, and its number of bytes.
    Raw(Body, u64),
    /// In a form.
    Form(multipart::Form),
}

impl Client {
    /// Sends a request, with a file where it has one. The answer's body is still to be read.
    pub(crate) async fn open(
        &self,
        request: Request,
        file: Option<FileBody>,
    ) -> Result<reqwest::Response, Failure> {
        let mut prepared = self.prepare(request).map_err(Failure::Denied)?;
        let (admitted, headers) = (prepared.admitted, &mut prepared.headers);
        let (origin, path) = (admitted.origin, admitted.url.path().to_owned());
        if file.is_some() {
            // The length of a body that is not there.
            headers.remove(CONTENT_LENGTH);
        }
        if let Some(FileBody::Form(_)) = file {
            headers.remove(CONTENT_TYPE);
        }
        let client = self.connections.of(admitted.private);
        let builder = client.request(prepared.method, admitted.url);
        let builder = builder.headers(prepared.headers);
        let builder = match file {
            None => builder,
            Some(FileBody::Raw(body, size)) => builder.header(CONTENT_LENGTH, size).body(body),
            Some(FileBody::Form(form)) => builder.multipart(form),
        };
        let unwritable = |_| Failure::Denied("the request can't be written".to_owned());
        let request = builder.build().map_err(unwritable)?;
        let response = self
            .begin(request, admitted.private, &Sent::before(&[]))
            .await;
        match &response {
            Ok(response) => {
                tracing::debug!(
                    origin,
                    path,
                    status = response.status().as_u16(),
                    "answered"
                );
            }
            Err(failure) => tracing::debug!(origin, path, ?failure, "not answered"),
        }
        response
    }

    /// Reads an answer, as the plugin may see it.
    pub(crate) async fn answer(&self, response: reqwest::Response) -> Result<Response, Failure> {
        let answer = self.read(response).await?;
        self.show(answer, Vec::new()).await
    }
}

/// Whether the bytes of an answer are not the file's own.
pub(crate) fn is_compressed(response: &reqwest::Response) -> bool {
    is_encoded(response.headers())
}
