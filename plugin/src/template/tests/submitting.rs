use serde_json::{Value, json};

use super::drafts::{file, help_page};
use super::listing::{BASE, CLOUD, CONFIGS, FIELDS, ON_PREMISE, configs, graph};
use crate::api::tests::{Scripted, says};
use crate::bindings::exports::messaging::channel::template_store::{
    Deletion, Submitted, TemplateError, TemplateId,
};
use crate::bindings::messaging::channel::http::Request;
use crate::bindings::messaging::channel::templates::{
    Draft, TemplateCategory, TemplateKey, TemplateStatus,
};
use crate::template::{delete, edit, submit};

/// A draft in the vendor's form, with some members set otherwise.
fn draft(changes: &Value) -> Draft {
    let mut members = json!({"name": "n", "category": "UTILITY", "language": "en_US",
        "components": [{"type": "BODY", "text": "Hello"}]});
    for (name, value) in changes.as_object().unwrap() {
        members[name] = value.clone();
    }
    file(&members)
}

/// The template of that draft as it is listed, with some members set otherwise.
fn listed(changes: &Value) -> Value {
    let mut item = json!({"id": "7", "name": "n", "category": "UTILITY", "language": "en_US", "status": "APPROVED",
        "parameter_format": "POSITIONAL", "components": [{"type": "BODY", "text": "Hello"}]});
    for (name, value) in changes.as_object().unwrap() {
        item[name] = value.clone();
    }
    item
}

/// What Meta answers for a name that there is.
fn taken() -> Value {
    json!({"error": {"code": 100, "error_subcode": 2_388_024, "error_user_title": "Content in This Language Already Exists",
        "error_user_msg": "There is already English (US) content for this template.", "is_transient": false}})
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(request.body.as_ref().unwrap()).unwrap()
}

/// Submits a draft whose name there is, as this template.
fn resubmitted(
    existing: &Value,
    draft: &Draft,
) -> (Result<Submitted, TemplateError>, Vec<Request>) {
    let http = Scripted::new([
        says(400, &taken()),
        says(
            200,
            &graph(&json!([listed(&json!({"language": "de"})), existing]), None),
        ),
    ]);
    (submit(&http, CLOUD, draft), http.requests())
}

#[track_caller]
fn conflict<T>(result: Result<T, TemplateError>) -> String {
    let Err(TemplateError::Conflict(problem)) = result else {
        panic!("no conflict");
    };
    assert!(problem.source.is_some());
    assert!(problem.message.contains(": "), "{}", problem.message);
    problem.message
}

#[test]
fn the_help_page_s_template_is_submitted() {
    let mut answer = help_page();
    answer["namespace"] = "xxxxxxxx_xxxx_xxxx_xxxx_xxxxxxxxxxxx".into();
    answer["rejected_reason"] = Value::Null;
    answer["status"] = "submitted".into();
    let http = Scripted::new([says(200, &answer)]);
    assert_eq!(
        submit(&http, ON_PREMISE, &file(&help_page())).unwrap(),
        Submitted {
            id: None,
            external_id: None,
            status: TemplateStatus::Pending,
            category: Some(TemplateCategory::Other("ACCOUNT_UPDATE".into())),
            namespace: Some("xxxxxxxx_xxxx_xxxx_xxxx_xxxxxxxxxxxx".into()),
            edited: false,
        }
    );
    let [request] = http.requests().try_into().unwrap();
    assert_eq!(request.url, "https://waba.example.com/v1/configs/templates");
    assert!(!request.fill_body);
    assert_eq!(body(&request), help_page());
}

#[test]
fn the_answer_of_each_api_names_its_ids() {
    let bare = json!({"id": "5944", "status": "PENDING", "category": "MARKETING"});
    let whole = json!({"id": "GVs", "external_id": "5944", "name": "n", "status": "approved"});
    let fresh = json!({"id": "GVs", "name": "n", "status": "submitted"});
    for (settings, status, answer, id, external_id) in [
        (CLOUD, 200, &bare, Some("5944"), Some("5944")),
        (CONFIGS, 201, &bare, None, Some("5944")),
        (CONFIGS, 200, &whole, Some("GVs"), Some("5944")),
        (CONFIGS, 200, &fresh, Some("GVs"), None),
    ] {
        let http = Scripted::new([says(status, answer)]);
        let submitted = submit(&http, settings, &draft(&json!({}))).unwrap();
        assert_eq!(submitted.id.as_deref(), id, "{answer}");
        assert_eq!(submitted.external_id.as_deref(), external_id, "{answer}");
        assert!(!submitted.edited);
        assert_eq!(http.requests().len(), 1);
    }
}

#[test]
fn a_template_is_submitted_to_the_other_api_where_one_is_not_there() {
    let http = Scripted::new([says(404, &json!({})), says(201, &json!({"id": "5944"}))]);
    let submitted = submit(&http, CLOUD, &draft(&json!({}))).unwrap();
    assert_eq!(
        (submitted.id, submitted.external_id),
        (None, Some("5944".into()))
    );
    assert_eq!(submitted.status, TemplateStatus::Pending);
    assert_eq!(
        http.lines(),
        [
            format!("POST {BASE}/message_templates"),
            format!("POST {BASE}/v1/configs/templates"),
        ]
    );
}

#[test]
fn old_categories_are_refused_on_the_cloud_api_and_nothing_is_sent() {
    for (word, today) in [
        ("ACCOUNT_UPDATE", "utility"),
        ("TRANSACTIONAL", "give utility"),
        ("otp", "give authentication"),
    ] {
        let http = Scripted::new([]);
        let Err(TemplateError::Invalid(findings)) =
            submit(&http, CLOUD, &draft(&json!({"category": word})))
        else {
            panic!("{word}");
        };
        let [finding] = findings.try_into().unwrap();
        assert_eq!(finding.problem.pointer, "/category");
        assert!(
            finding.problem.message.contains(today),
            "{}",
            finding.problem.message
        );
        assert_eq!(http.requests().len(), 0);
    }
    let http = Scripted::new([]);
    let unreadable = draft(&json!({"components": "BODY"}));
    assert!(matches!(
        submit(&http, CLOUD, &unreadable),
        Err(TemplateError::Invalid(_))
    ));
}

#[test]
fn what_says_the_same_already_is_left_as_it_is() {
    let image = |example: &str| {
        json!([{"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [example]}}, {"type": "BODY", "text": "x"},
            {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "example": "1"}]}])
    };
    let mut filled = image("https://scontent.example/1");
    filled[2]["buttons"][0]["text"] = "Copy offer code".into();
    let code = json!([{"type": "BODY", "add_security_recommendation": true}, {"type": "FOOTER", "code_expiration_minutes": 5},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]);
    let code_listed = json!([
        {"type": "BODY", "text": "*{{1}}* is your verification code.", "add_security_recommendation": true},
        {"type": "FOOTER", "text": "Expires in 5 minutes.", "code_expiration_minutes": 5},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Copy code", "url": "https://x/?otp_type=COPY_CODE&code=otp{{1}}"}]}]);
    let flow = |action: &str| {
        json!([{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": [
            {"type": "FLOW", "text": "Book", "flow_id": "1", "flow_action": action}]}])
    };
    for (members, existing) in [
        (json!({}), json!({})),
        (json!({}), json!({"status": "PENDING"})),
        (
            json!({"components": flow("navigate")}),
            json!({"components": flow("NAVIGATE")}),
        ),
        (
            json!({"components": image("4::aW")}),
            json!({"components": filled}),
        ),
        (
            json!({"components": code, "category": "AUTHENTICATION", "message_send_ttl_seconds": 60}),
            json!({"components": code_listed, "category": "AUTHENTICATION", "message_send_ttl_seconds": 60}),
        ),
    ] {
        let (result, requests) = resubmitted(&listed(&existing), &draft(&members));
        let submitted = result.unwrap();
        assert!(!submitted.edited, "{existing}");
        assert_eq!(submitted.id.as_deref(), Some("7"));
        assert_eq!(requests.len(), 2);
    }
}

#[test]
fn what_exists_is_edited_where_meta_allows_it() {
    let changed = json!([{"type": "BODY", "text": "Hello again"}]);
    for (existing, members, expected, category) in [
        // An approved one keeps its category.
        (
            json!({}),
            json!({"components": changed, "message_send_ttl_seconds": 60, "sub_category": "X"}),
            json!({"components": changed, "message_send_ttl_seconds": 60}),
            Some(TemplateCategory::Utility),
        ),
        (
            json!({"status": "REJECTED"}),
            json!({}),
            json!({"category": "UTILITY", "components": [{"type": "BODY", "text": "Hello"}]}),
            Some(TemplateCategory::Utility),
        ),
        (
            json!({"status": "PAUSED", "category": "MARKETING"}),
            json!({"components": changed}),
            json!({"category": "UTILITY", "components": changed}),
            None,
        ),
    ] {
        let http = Scripted::new([
            says(400, &taken()),
            says(200, &graph(&json!([]), Some("next"))),
            says(200, &graph(&json!([listed(&existing)]), None)),
            says(200, &json!({"success": true})),
        ]);
        let submitted = submit(&http, CLOUD, &draft(&members)).unwrap();
        assert_eq!(
            submitted,
            Submitted {
                id: Some("7".into()),
                external_id: Some("7".into()),
                status: TemplateStatus::Pending,
                category,
                namespace: None,
                edited: true,
            }
        );
        let requests = http.requests();
        assert_eq!(
            requests[2].url,
            format!("{BASE}/message_templates?{FIELDS}&limit=250&after=next")
        );
        assert_eq!(requests[3].url, format!("{BASE}/message_templates/7"));
        assert_eq!(body(&requests[3]), expected);
    }
}

#[test]
fn what_can_t_be_edited_says_what_can_be_done() {
    let changed = draft(&json!({"components": [{"type": "BODY", "text": "Hello again"}]}));
    for (existing, draft, words) in [
        (
            json!({"status": "PENDING"}),
            &changed,
            "wait for the result",
        ),
        (
            json!({"status": "IN_APPEAL"}),
            &changed,
            "wait for the result",
        ),
        (json!({"status": "DISABLED"}), &changed, "use a new name"),
        (json!({"status": "PENDING_DELETION"}), &changed, "30 days"),
        (json!({"status": "ARCHIVED"}), &changed, "archive"),
        (json!({"status": "WEIRD"}), &changed, "WEIRD"),
        (json!({"category": "MARKETING"}), &changed, "MARKETING"),
    ] {
        let (result, requests) = resubmitted(&listed(&existing), draft);
        let message = conflict(result);
        assert!(message.contains(words), "{message}");
        assert_eq!(requests.len(), 2);
    }

    // The older API edits nothing.
    for (settings, limit, remedy) in [(CONFIGS, true, true), (ON_PREMISE, false, false)] {
        let http = Scripted::new([
            says(
                400,
                &json!({"meta": {"success": false, "http_code": 400, "developer_message": "Template exists"}}),
            ),
            says(200, &configs(&json!([listed(&json!({}))]), 0, 1)),
        ]);
        let message = conflict(submit(&http, settings, &changed));
        assert!(message.contains("delete it"), "{message}");
        assert_eq!(message.contains("template_api"), remedy, "{message}");
        assert_eq!(http.lines()[1].contains("limit=250"), limit);
    }
}

#[test]
fn a_name_that_is_blocked_is_a_conflict_and_another_refusal_is_the_vendor_s() {
    let http = Scripted::new([says(400, &taken()), says(200, &graph(&json!([]), None))]);
    assert!(conflict(submit(&http, CLOUD, &draft(&json!({})))).contains("30 days"));

    let refusal = json!({"error": {"code": 100, "error_subcode": 2_388_043, "error_user_title": "Missing field",
        "error_user_msg": "The example is missing."}});
    let http = Scripted::new([says(400, &refusal), says(200, &graph(&json!([]), None))]);
    let Err(TemplateError::Failed(error)) = submit(&http, CLOUD, &draft(&json!({}))) else {
        panic!();
    };
    assert_eq!(error.details.as_deref(), Some("The example is missing."));

    // A key that is no good needs no look at the list.
    let http = Scripted::new([says(401, &json!({"error": "Invalid api key"}))]);
    assert!(matches!(
        submit(&http, CLOUD, &draft(&json!({}))),
        Err(TemplateError::Failed(_))
    ));
    assert_eq!(http.requests().len(), 1);

    // Where the list can't be had, the refusal is what there is to say.
    let http = Scripted::new([says(400, &refusal), says(503, &json!({}))]);
    let Err(TemplateError::Failed(error)) = submit(&http, CLOUD, &draft(&json!({}))) else {
        panic!();
    };
    assert_eq!(error.details.as_deref(), Some("The example is missing."));
}

#[test]
fn a_template_is_edited_by_its_id_or_its_key() {
    let changed = draft(&json!({"components": [{"type": "BODY", "text": "Hello again"}]}));
    for id in [None, Some("7")] {
        let http = Scripted::new([
            says(
                200,
                &graph(
                    &json!([
                        listed(&json!({"id": "6", "language": "de"})),
                        listed(&json!({}))
                    ]),
                    None,
                ),
            ),
            says(200, &json!({"success": true, "category": "MARKETING"})),
        ]);
        let submitted = edit(&http, CLOUD, id, &changed).unwrap();
        assert!(submitted.edited);
        assert_eq!(submitted.category, Some(TemplateCategory::Marketing));
        assert_eq!(http.lines()[1], format!("POST {BASE}/message_templates/7"));
    }
    let others = || says(200, &graph(&json!([listed(&json!({"name": "m"}))]), None));
    let http = Scripted::new([others()]);
    assert!(matches!(
        edit(&http, CLOUD, None, &changed),
        Err(TemplateError::Missing)
    ));
    let http = Scripted::new([others()]);
    assert!(conflict(edit(&http, CLOUD, Some("7"), &changed)).contains("m in en_US"));
    let http = Scripted::new([says(
        200,
        &graph(&json!([listed(&json!({"language": "de"}))]), None),
    )]);
    assert!(conflict(edit(&http, CLOUD, Some("7"), &draft(&json!({})))).contains("n in de"));
    // It went in between.
    let http = Scripted::new([
        says(200, &graph(&json!([listed(&json!({}))]), None)),
        says(404, &json!({})),
    ]);
    assert!(matches!(
        edit(&http, CLOUD, None, &changed),
        Err(TemplateError::Missing)
    ));
}

fn one(language: &str, id: Option<&str>) -> Deletion {
    Deletion::One(TemplateId {
        key: TemplateKey {
            name: "n".into(),
            language: language.into(),
        },
        id: id.map(str::to_owned),
    })
}

#[test]
fn meta_s_api_deletes_one_language_or_all() {
    let page = || {
        says(
            200,
            &graph(
                &json!([
                    listed(&json!({"id": "6", "language": "de"})),
                    listed(&json!({}))
                ]),
                None,
            ),
        )
    };
    let all = Deletion::AllLanguages("n".into());
    for (deletion, query) in [
        (one("en_US", None), "hsm_id=7&name=n"),
        (one("en-US", None), "hsm_id=7&name=n"),
        (one("de", Some("6")), "hsm_id=6&name=n"),
        (all, "name=n"),
    ] {
        let http = Scripted::new([page(), says(200, &json!({"success": true}))]);
        delete(&http, CLOUD, &deletion).unwrap();
        let requests = http.requests();
        assert_eq!(requests[1].method, "DELETE");
        assert_eq!(requests[1].url, format!("{BASE}/message_templates?{query}"));
        assert_eq!(requests[1].body, None);
    }
}

#[test]
fn the_older_api_deletes_a_language_only_where_it_is_the_only_one() {
    let english = listed(&json!({}));
    let german = listed(&json!({"id": "6", "language": "de"}));
    let page = |items: &Value| says(200, &configs(items, 0, 2));
    let deleted = || {
        says(
            200,
            &json!({"meta": {"developer_message": "template name=n template was deleted", "http_code": 200, "success": true}}),
        )
    };
    let both = json!([english, german]);
    let http = Scripted::new([page(&both), page(&both)]);
    let message = conflict(delete(&http, CONFIGS, &one("en_US", None)));
    assert!(
        message.contains("en_US, de") && message.contains("template_api"),
        "{message}"
    );
    assert_eq!(http.requests().len(), 2);

    let single = json!([english]);
    let first = configs(&single, 0, 1);
    let http = Scripted::new([says(200, &first), says(200, &first), deleted()]);
    delete(&http, CONFIGS, &one("en_US", None)).unwrap();
    assert_eq!(
        http.lines()[2],
        format!("DELETE {BASE}/v1/configs/templates/n")
    );

    let http = Scripted::new([page(&both), deleted()]);
    delete(&http, CONFIGS, &Deletion::AllLanguages("n".into())).unwrap();
    assert_eq!(
        http.lines()[1],
        format!("DELETE {BASE}/v1/configs/templates/n")
    );
}

#[test]
fn what_is_not_there_or_disabled_is_not_deleted() {
    let http = Scripted::new([says(200, &graph(&json!([]), None))]);
    assert!(matches!(
        delete(&http, CLOUD, &one("en_US", None)),
        Err(TemplateError::Missing)
    ));
    let disabled = graph(&json!([listed(&json!({"status": "DISABLED"}))]), None);
    let http = Scripted::new([says(200, &disabled)]);
    assert!(conflict(delete(&http, CLOUD, &one("en_US", None))).contains("new name"));
    assert_eq!(http.requests().len(), 1);
    // The id is another's.
    for other in [json!({"name": "m"}), json!({"language": "de"})] {
        let http = Scripted::new([says(200, &graph(&json!([listed(&other)]), None))]);
        let message = conflict(delete(&http, CLOUD, &one("en_US", Some("7"))));
        assert!(message.contains("not n in en_US"), "{message}");
        assert_eq!(http.requests().len(), 1);
    }
}
