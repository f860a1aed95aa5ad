//! The API's description (`OpenAPI` 3.1), which is made of the routes themselves.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::LazyLock;

use aide::OperationInput;
use aide::axum::ApiRouter;
use aide::axum::routing::{ApiMethodRouter, get_with};
use aide::generate::{GenContext, in_context};
use aide::openapi::{
    Info, MediaType, OpenApi, Operation, ReferenceOr, RequestBody, Response, SecurityRequirement,
    SecurityScheme, StatusCode,
};
use aide::operation::{ParamLocation, parameters_from_schema};
use aide::transform::TransformOperation;
use axum::{Json, Router};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::problem::{Checked, Problem};
use super::{Named, Stop};
use crate::Host;

/// What the document calls the token.
const TOKEN: &str = "token";

static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// The REST API's description (`OpenAPI` 3.1): every route, what it takes and what it answers.
#[must_use]
pub fn openapi() -> &'static Value {
    &DOCUMENT
}

pub(super) fn routes() -> Routes {
    Routes::new().route(
        "/openapi.json",
        get_with(
            async || Json(openapi()),
            |it| {
                let it = op(it, "describe_api", "Show this description of the API");
                answers(it, "application/json", "The description")
            },
        ),
    )
}

fn document() -> Value {
    in_context(|context| {
        let settings = SchemaSettings::draft2020_12()
            .with(|settings| settings.definitions_path = "#/components/schemas/".into());
        context.schema = SchemaGenerator::new(settings);
    });
    let mut document = OpenApi {
        info: Info {
            title: "channel-host".to_owned(),
            description: Some(
                "Messaging channels of one host. Webhooks of vendors have an address of their own."
                    .to_owned(),
            ),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Info::default()
        },
        ..OpenApi::default()
    };
    let router = super::guarded().merge(super::open()).0;
    let _ = router.finish_api_with(&mut document, |api| {
        let bearer = SecurityScheme::Http {
            scheme: "bearer".to_owned(),
            bearer_format: None,
            description: Some("what the file `token` of the data directory holds".to_owned()),
            extensions: [].into(),
        };
        api.security_scheme(TOKEN, bearer)
            .security_requirement(TOKEN)
    });
    // Strings, numbers and JSON: nothing in it can fail to be written.
    serde_json::to_value(document).unwrap_or_default()
}

/// Routes, each with its description: there is no way to add one without.
pub(super) struct Routes(ApiRouter<Host>);

impl Routes {
    pub(super) fn new() -> Self {
        Self(ApiRouter::new())
    }

    pub(super) fn route(self, path: &str, methods: ApiMethodRouter<Host>) -> Self {
        Self(self.0.api_route(path, methods))
    }

    pub(super) fn merge(self, other: Self) -> Self {
        Self(self.0.merge(other.0))
    }

    pub(super) fn into_router(self) -> Router<Host> {
        self.0.into()
    }
}

/// What an operation is called, by programs and by people.
pub(super) fn op<'t>(
    it: TransformOperation<'t>,
    id: &str,
    summary: &str,
) -> TransformOperation<'t> {
    it.id(id).summary(summary).default_response::<Problem>()
}

/// An operation that needs no token.
pub(super) fn without_token(mut it: TransformOperation<'_>) -> TransformOperation<'_> {
    it.inner_mut().security = vec![SecurityRequirement::default()];
    it
}

/// An operation whose body is something else than JSON.
pub(super) fn takes<'t>(
    mut it: TransformOperation<'t>,
    content_type: &str,
    description: &str,
) -> TransformOperation<'t> {
    it.inner_mut().request_body = Some(ReferenceOr::Item(RequestBody {
        description: Some(description.to_owned()),
        content: [(content_type.to_owned(), MediaType::default())].into(),
        required: true,
        ..RequestBody::default()
    }));
    it
}

/// An operation whose body may be left out.
pub(super) fn body_optional(mut it: TransformOperation<'_>) -> TransformOperation<'_> {
    if let Some(ReferenceOr::Item(body)) = &mut it.inner_mut().request_body {
        body.required = false;
    }
    it
}

/// An operation that reads a header, which may be left out.
pub(super) fn header<'t>(
    mut it: TransformOperation<'t>,
    name: &str,
    description: &str,
) -> TransformOperation<'t> {
    let schema =
        json_schema!({"properties": {name: {"type": "string", "description": description}}});
    let headers =
        in_context(|context| parameters_from_schema(context, schema, ParamLocation::Header));
    let headers = headers.into_iter().map(ReferenceOr::Item);
    it.inner_mut().parameters.extend(headers);
    it
}

/// An operation that answers something else than JSON.
pub(super) fn answers<'t>(
    mut it: TransformOperation<'t>,
    content_type: &str,
    description: &str,
) -> TransformOperation<'t> {
    let responses = it.inner_mut().responses.get_or_insert_default();
    let response = responses.responses.entry(StatusCode::Code(200));
    let response = response.or_insert_with(|| ReferenceOr::Item(Response::default()));
    if let ReferenceOr::Item(response) = response {
        description.clone_into(&mut response.description);
        let content = (content_type.to_owned(), MediaType::default());
        response.content.extend([content]);
    }
    it
}

/// JSON that is handed on as it came; what it has to be is said by `T`.
pub(super) struct Raw<T> {
    json: Box<RawValue>,
    of: PhantomData<T>,
}

impl<T> Raw<T> {
    pub(super) fn bytes(&self) -> &[u8] {
        self.json.get().as_bytes()
    }
}

impl<'de, T> Deserialize<'de> for Raw<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::deserialize(deserializer).map(|json| Self {
            json,
            of: PhantomData,
        })
    }
}

impl<T: JsonSchema> JsonSchema for Raw<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<E: OperationInput> OperationInput for Checked<E> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        E::operation_input(context, operation);
    }
}

impl OperationInput for Named {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let description = "The channel's id or name";
        let schema = json_schema!({
            "properties": {"channel": {"type": "string", "description": description}},
            "required": ["channel"],
        });
        let parameters = parameters_from_schema(context, schema, ParamLocation::Path);
        let parameters = parameters.into_iter().map(ReferenceOr::Item);
        operation.parameters.extend(parameters);
    }
}

impl OperationInput for Stop {}
