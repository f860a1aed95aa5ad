//! What the description of the API says of it. Every answer in the other tests is held against it as well.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use boon::{Compiler, SchemaIndex, Schemas};

use super::*;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Every operation, with its method and path.
fn operations() -> Vec<(&'static str, &'static str, &'static Value)> {
    let paths = openapi()["paths"].as_object().unwrap();
    let of = |(path, item): (&'static String, &'static Value)| {
        let of = move |method| Some((method, &**path, item.get(method)?));
        METHODS.into_iter().filter_map(of)
    };
    paths.iter().flat_map(of).collect()
}

/// A schema of the document's, ready to be used.
struct Promise {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Promise {
    fn of(pointer: &str) -> Self {
        let schema = json!({
            "components": openapi()["components"],
            "allOf": [openapi().pointer(pointer).unwrap()],
        });
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        compiler.add_resource("promise.json", schema).unwrap();
        let index = compiler.compile("promise.json", &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("{pointer}: {error:#}"));
        Self { schemas, index }
    }

    /// What is wrong with a value.
    fn broken(&self, value: &Value) -> Option<String> {
        let kept = self.schemas.validate(value, self.index);
        kept.err().map(|error| format!("{error:#}"))
    }
}

fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// Whether an address is one of a path's.
fn is_of(path: &str, address: &str) -> bool {
    let (path, address) = (path.split('/'), address.split('/'));
    path.clone().count() == address.clone().count()
        && path
            .zip(address)
            .all(|(part, given)| part == given || part.starts_with('{') && !given.is_empty())
}

/// Demands that an answer is one that the description promises.
#[track_caller]
pub(super) fn holds(method: &str, address: &str, answer: &Answer) {
    static PROMISES: LazyLock<Mutex<HashMap<String, Arc<Promise>>>> = LazyLock::new(Mutex::default);

    let address = address.split('?').next().unwrap();
    let method = method.to_lowercase();
    // What stands in a path counts more than what is filled in.
    let found = operations()
        .into_iter()
        .filter(|(its, path, _)| *its == method && is_of(path, address))
        .min_by_key(|(_, path, _)| path.matches('{').count());
    let Some((_, path, operation)) = found else {
        assert!(
            matches!(answer.status, 401 | 404 | 405),
            "{method} {address} is not described: {answer:?}"
        );
        return;
    };
    let status = answer.status.to_string();
    let told = if answer.status < 300 {
        &status
    } else {
        "default"
    };
    let response = &operation["responses"][told];
    assert!(
        response.is_object(),
        "{method} {path}: {status} is not described"
    );
    let Some(content) = response["content"].as_object() else {
        assert_eq!(answer.body, "", "{method} {path}");
        return;
    };
    let line = answer
        .head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "));
    let given = line.unwrap_or_default().split(';').next().unwrap();
    let known = content
        .keys()
        .find(|known| known.split(';').next() == Some(given) || *known == "*/*");
    let known = known.unwrap_or_else(|| panic!("{method} {path}: {given} is not described"));
    if content[known]["schema"].is_null() {
        return;
    }
    let pointer = format!(
        "/paths/{}/{method}/responses/{told}/content/{}/schema",
        escaped(path),
        escaped(known)
    );
    let promise = {
        let mut promises = PROMISES.lock().unwrap();
        let promise = promises
            .entry(pointer)
            .or_insert_with_key(|pointer| Arc::new(Promise::of(pointer)));
        Arc::clone(promise)
    };
    let body = answer.json();
    if let Some(error) = promise.broken(&body) {
        panic!("{method} {path}: {error}\n{body:#}");
    }
}

#[test]
fn every_operation_says_what_it_is_and_what_it_answers() {
    assert!(openapi()["openapi"].as_str().unwrap().starts_with("3.1."));
    let operations = operations();
    assert!(operations.len() > 30, "{}", operations.len());
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations {
        let at = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().expect(&at)),
            "{at}"
        );
        assert!(
            !operation["summary"].as_str().expect(&at).is_empty(),
            "{at}"
        );
        let responses = operation["responses"].as_object().expect(&at);
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{at}"
        );
        for response in responses.values() {
            assert!(
                !response["description"].as_str().expect(&at).is_empty(),
                "{at}: {response}"
            );
        }
        let problem = &responses["default"]["content"]["application/problem+json"]["schema"];
        assert_eq!(
            problem["$ref"], "#/components/schemas/ProblemDetails",
            "{at}"
        );
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let named: BTreeSet<_> = parameters
            .filter(|it| it["in"] == "path" && it["required"] == true)
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        let needed = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(named, needed.collect(), "{at}");
        let is_open = matches!(path, "/healthz" | "/readyz");
        assert_eq!(operation["security"] == json!([{}]), is_open, "{at}");
    }
    assert_eq!(openapi()["security"], json!([{"token": []}]));
    assert_eq!(
        openapi()["components"]["securitySchemes"]["token"]["scheme"],
        "bearer"
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_one() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    let mut found = BTreeSet::new();
    references(openapi(), &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').expect(reference);
        assert!(openapi().pointer(pointer).is_some(), "{reference}");
    }
    for name in openapi()["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        Promise::of(&format!("/components/schemas/{name}"));
        let reference = format!("#/components/schemas/{name}");
        assert!(found.contains(&*reference), "nothing needs {name}");
        assert!(
            !name.ends_with(|last: char| last.is_ascii_digit()),
            "two are called {name}"
        );
    }
}

#[tokio::test]
async fn the_description_is_served_to_who_bears_the_token() {
    let home = Home::empty().await;
    let served = home.served().await;
    assert_eq!(
        &served.ask("GET", "/openapi.json", "").await.done(200),
        openapi()
    );
    let answer = served.ask_with("GET", "/openapi.json", &[], "").await;
    answer.problem(401, "unauthorised");
}

/// What no channel of these tests can answer, as it is written.
#[test]
fn what_is_told_of_messages_is_described() {
    let told = Promise::of("/components/schemas/ToldEvent");
    let addressed = |event: Value| {
        let mut event = event;
        event["channel"] = "c1".into();
        event["sequence"] = 1.into();
        event["id"] = "1".into();
        event["time"] = "2026-11-22T07:15:39Z".into();
        event
    };
    let origin = json!({"envelope": "e", "own": true});
    for event in [
        json!({"type": "delivery", "delivery": {"message": "m1", "state": "failed", "part": 1,
            "error": {"class": "temporary", "code": 131_000}}}),
        json!({"type": "channel", "channel_state": {"state": "receiving"}}),
        json!({"type": "message", "origin": origin, "raw": {"a": [1]}, "attributes": {"/a/0": 1},
            "message": {"id": "m2", "content": {"type": "text", "text": "Hi"}}}),
        json!({"type": "status", "origin": origin, "raw": {},
            "status": {"message_id": "m2", "state": "delivered"}}),
    ] {
        let event = addressed(event);
        assert_eq!(told.broken(&event), None, "{event}");
    }
    let nothing = addressed(json!({"type": "delivery", "delivery": {}}));
    assert!(told.broken(&nothing).is_some());
}
