use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{Method, StatusCode};
use axum::routing::get;
use axum::{Router, middleware};

use super::*;
use crate::api::problem::tests::{ask, request};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn only_who_bears_the_token_passes() {
    let token = Arc::new(Token::new(TOKEN).unwrap());
    let router = Router::new()
        .route("/here", get(|| async {}))
        .layer(middleware::from_fn_with_state(token, authorise));
    let right = format!("Bearer {TOKEN}");
    let longer = format!("{right}0");
    let name = "authorization";
    for (given, passes) in [
        (&[(name, &*right)][..], true),
        (&[(name, &right.replace("Bearer", "bEARER"))], true),
        (&[(name, &right.replace(' ', "  "))], true),
        (&[], false),
        (&[("cookie", &right)], false),
        (&[(name, "")], false),
        (&[(name, "Bearer")], false),
        (&[(name, "Bearer ")], false),
        (&[(name, TOKEN)], false),
        (&[(name, &right.replace("Bearer", "Basic"))], false),
        (&[(name, &right.replace(' ', ""))], false),
        (&[(name, &right[..right.len() - 1])], false),
        (&[(name, &longer)], false),
        (&[(name, &right.to_uppercase())], false),
        (&[(name, &right), (name, &right)], false),
        (&[(name, "Bearer x"), (name, &right)], false),
    ] {
        for (path, status) in [("/here", 200), ("/nothing", 404)] {
            let (got, headers, body) = ask(&router, request(Method::GET, path, given, "")).await;
            if passes {
                assert_eq!(got.as_u16(), status, "{given:?}");
                continue;
            }
            assert_eq!(got, StatusCode::UNAUTHORIZED, "{given:?}");
            assert_eq!(headers[WWW_AUTHENTICATE], "Bearer");
            assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
            assert_eq!(body["type"], "/problems/unauthorised");
            assert!(!body.to_string().contains(TOKEN), "{body}");
        }
    }
}

#[test]
fn a_token_is_long_and_fits_into_a_header() {
    for (text, fits) in [
        ("", false),
        ("0123456789abcde", false),
        ("0123456789abcdef", true),
        ("0123456789 abcdef", false),
        ("0123456789abcdef\n", false),
        ("0123456789abcdéf", false),
    ] {
        assert_eq!(Token::new(text).is_some(), fits, "{text:?}");
    }
}

#[test]
fn a_generated_token_is_a_token_and_new_each_time() {
    let (one, other) = (Token::generate().unwrap(), Token::generate().unwrap());
    assert_ne!(one.expose(), other.expose());
    assert!(Token::new(one.expose()).is_some());
}
