use serde_json::{Value, json};

use crate::api::tests::{Scripted, says};
use crate::bindings::exports::messaging::channel::template_store::{Listing, Page, TemplateError};
use crate::bindings::messaging::channel::templates::{TemplateCategory, TemplateStatus};
use crate::bindings::messaging::channel::types::ErrorClass;
use crate::template::list;

pub(super) const CLOUD: &str = "{}";
pub(super) const CONFIGS: &str = r#"{"template_api": "configs"}"#;
pub(super) const ON_PREMISE: &str =
    r#"{"api": "on_premise", "base_url": "https://waba.example.com"}"#;
pub(super) const BASE: &str = "https://waba-v2.360dialog.io";

/// What is asked of Meta's members.
pub(super) const FIELDS: &str = "fields=id,name,status,category,language,components,rejected_reason,quality_score,\
    parameter_format,message_send_ttl_seconds,previous_category,correct_category";

pub(super) fn nothing_chosen() -> Listing {
    Listing {
        limit: None,
        cursor: None,
        offset: None,
        sort: None,
        name: None,
        language: None,
        category: None,
        status: None,
    }
}

/// A page in Meta's shape.
pub(super) fn graph(items: &Value, next: Option<&str>) -> Value {
    let mut page = json!({"data": items, "paging": {"cursors": {"before": "B", "after": next.unwrap_or("END")}}});
    if next.is_some() {
        page["paging"]["next"] = "https://graph.facebook.com/elsewhere".into();
    }
    page
}

/// A page in 360dialog's shape.
pub(super) fn configs(items: &Value, offset: u32, total: u32) -> Value {
    json!({"count": items.as_array().unwrap().len(), "filters": {}, "limit": 50, "offset": offset,
        "sort": ["business_templates.name"], "total": total, "waba_templates": items})
}

fn names(page: &Page) -> Vec<&str> {
    page.templates
        .iter()
        .map(|template| template.name.as_str())
        .collect()
}

#[test]
fn the_help_page_s_list_is_read() {
    let item = |name: &str, category: &str| {
        json!({
            "category": category, "components": [{"text": "template_text", "type": "BODY"}], "language": "en",
            "name": name, "namespace": "xxxxxxxx_xxxx_xxxx_xxxx_xxxxxxxxxxxx", "rejected_reason": "NONE",
            "status": "APPROVED"
        })
    };
    let answer = json!({"count": 3, "filters": {}, "limit": 1000, "offset": 0, "sort": ["id"], "total": 3,
        "waba_templates": [item("a", "ACCOUNT_UPDATE"), item("b", "TICKET_UPDATE"), item("c", "TICKET_UPDATE")]});
    let http = Scripted::new([says(200, &answer)]);
    let page = list(&http, ON_PREMISE, &nothing_chosen()).unwrap();
    assert_eq!(names(&page), ["a", "b", "c"]);
    assert_eq!((page.next, page.total), (None, Some(3)));
    let first = &page.templates[0];
    assert_eq!(
        first.category,
        TemplateCategory::Other("ACCOUNT_UPDATE".into())
    );
    assert_eq!(first.status, TemplateStatus::Approved);
    assert_eq!(
        first.namespace.as_deref(),
        Some("xxxxxxxx_xxxx_xxxx_xxxx_xxxxxxxxxxxx")
    );
    assert_eq!((&first.id, &first.rejected_reason), (&None, &None));
    assert_eq!(
        http.lines(),
        ["GET https://waba.example.com/v1/configs/templates"]
    );
}

#[test]
fn meta_s_pages_follow_their_cursor_and_not_their_address() {
    let http = Scripted::new([
        says(
            200,
            &graph(
                &json!([{"id": "1", "name": "a"}, 7, {"id": "2"}]),
                Some("x=/"),
            ),
        ),
        says(200, &graph(&json!([{"id": "3", "name": "b"}]), None)),
    ]);
    let first = list(
        &http,
        CLOUD,
        &Listing {
            limit: Some(2),
            ..nothing_chosen()
        },
    )
    .unwrap();
    assert_eq!(names(&first), ["a"]);
    // The id is Meta's, which is both.
    assert_eq!(first.templates[0].id.as_deref(), Some("1"));
    assert_eq!(first.templates[0].external_id.as_deref(), Some("1"));
    assert_eq!(first.next.as_deref(), Some("x=/"));
    let second = list(
        &http,
        CLOUD,
        &Listing {
            cursor: first.next,
            ..nothing_chosen()
        },
    )
    .unwrap();
    assert_eq!((names(&second), &second.next), (vec!["b"], &None));
    assert_eq!(
        http.lines(),
        [
            format!("GET {BASE}/message_templates?{FIELDS}&limit=2"),
            format!("GET {BASE}/message_templates?{FIELDS}&limit=250&after=x%3D%2F"),
        ]
    );
}

#[test]
fn members_that_360dialog_does_not_pass_on_are_not_asked_for_again() {
    let http = Scripted::new([
        says(
            400,
            &json!({"error": {"code": 100, "message": "Tried accessing nonexisting field"}}),
        ),
        says(200, &graph(&json!([{"id": "1", "name": "a"}]), None)),
    ]);
    assert_eq!(
        names(&list(&http, CLOUD, &nothing_chosen()).unwrap()),
        ["a"]
    );
    assert_eq!(
        http.lines()[1],
        format!(
            "GET {BASE}/message_templates?fields=id,name,status,category,language,components,rejected_reason,quality_score&limit=250"
        )
    );
}

#[test]
fn where_one_path_is_not_there_the_other_is_taken() {
    let missing = || says(404, &json!({"detail": "Not Found"}));
    let http = Scripted::new([
        missing(),
        says(
            200,
            &configs(&json!([{"id": "g", "external_id": "1", "name": "a"}]), 0, 2),
        ),
        says(200, &configs(&json!([{"name": "b"}]), 1, 2)),
    ]);
    let first = list(&http, CLOUD, &nothing_chosen()).unwrap();
    assert_eq!(first.templates[0].external_id.as_deref(), Some("1"));
    assert_eq!(
        (first.next.as_deref(), first.total),
        (Some("offset:1"), Some(2))
    );
    // The cursor says whose it is.
    let second = list(
        &http,
        CLOUD,
        &Listing {
            cursor: first.next,
            ..nothing_chosen()
        },
    )
    .unwrap();
    assert_eq!((names(&second), &second.next), (vec!["b"], &None));
    assert_eq!(
        http.lines()[1..],
        [
            format!("GET {BASE}/v1/configs/templates"),
            format!("GET {BASE}/v1/configs/templates?offset=1"),
        ]
    );

    let http = Scripted::new([missing(), says(200, &graph(&json!([]), None))]);
    list(&http, CONFIGS, &nothing_chosen()).unwrap();
    assert_eq!(
        http.lines(),
        [
            format!("GET {BASE}/v1/configs/templates"),
            format!("GET {BASE}/message_templates?{FIELDS}&limit=250"),
        ]
    );

    // Neither is there; on-premise there is but one.
    let http = Scripted::new([missing(), missing()]);
    assert!(matches!(
        list(&http, CLOUD, &nothing_chosen()),
        Err(TemplateError::Failed(_))
    ));
    assert_eq!(http.requests().len(), 2);
    let http = Scripted::new([missing()]);
    assert!(matches!(
        list(&http, ON_PREMISE, &nothing_chosen()),
        Err(TemplateError::Failed(_))
    ));
    assert_eq!(http.requests().len(), 1);
}

#[test]
fn what_the_api_has_no_parameter_for_is_chosen_here() {
    let items = json!([
        {"name": "a", "language": "en_US", "category": "UTILITY", "status": "approved"},
        {"name": "a", "language": "de", "category": "UTILITY", "status": "approved"},
        {"name": "a", "language": "en_US", "category": "MARKETING", "status": "approved"},
        {"name": "a", "language": "en_US", "category": "UTILITY", "status": "submitted"},
        {"name": "b", "language": "en_US", "category": "UTILITY", "status": "approved"}
    ]);
    let listing = Listing {
        limit: Some(50),
        offset: Some(10),
        sort: Some("-business_templates.name".into()),
        name: Some("a".into()),
        language: Some("en-US".into()),
        category: Some(TemplateCategory::Other("Utility".into())),
        status: Some(TemplateStatus::Approved),
        ..nothing_chosen()
    };
    let http = Scripted::new([
        says(200, &configs(&items, 10, 15)),
        says(200, &configs(&items, 10, 15)),
        says(200, &graph(&items, None)),
    ]);
    for settings in [CONFIGS, ON_PREMISE, CLOUD] {
        let page = list(&http, settings, &listing).unwrap();
        assert_eq!(page.templates.len(), 1);
        assert_eq!(page.total, None, "it is that of others as well");
    }
    let query = "limit=50&offset=10&sort=-business_templates.name";
    let filters = "filters=%7B%22business_templates.name%22%3A%22a%22%7D";
    assert_eq!(
        http.lines(),
        [
            format!("GET {BASE}/v1/configs/templates?{query}&{filters}"),
            format!("GET https://waba.example.com/v1/configs/templates?{query}"),
            format!("GET {BASE}/message_templates?{FIELDS}&limit=50"),
        ]
    );
    let http = Scripted::new([says(200, &configs(&items, 0, 5))]);
    let by_name = Listing {
        name: Some("a".into()),
        ..nothing_chosen()
    };
    assert_eq!(list(&http, CONFIGS, &by_name).unwrap().total, Some(5));
}

#[test]
fn a_list_ends_where_nothing_comes_any_more() {
    let http = Scripted::new([says(200, &configs(&json!([]), 0, 5))]);
    assert_eq!(list(&http, CONFIGS, &nothing_chosen()).unwrap().next, None);
}

#[test]
fn what_is_no_list_is_an_error() {
    for body in [
        json!({"success": true}),
        json!([]),
        json!({"data": {}}),
        json!("ok"),
    ] {
        let http = Scripted::new([says(200, &body)]);
        assert!(
            matches!(
                list(&http, CLOUD, &nothing_chosen()),
                Err(TemplateError::Failed(_))
            ),
            "{body}"
        );
    }
}

#[test]
fn the_sandbox_has_nothing_to_manage() {
    let http = Scripted::new([]);
    let Err(TemplateError::Failed(error)) = list(&http, r#"{"api": "sandbox"}"#, &nothing_chosen())
    else {
        panic!();
    };
    assert_eq!(error.class, ErrorClass::Invalid);
    assert!(error.remedy.is_some());
    assert_eq!(http.requests().len(), 0);
}
