use std::fmt::Write as _;

use crate::bindings::messaging::channel::outbound::{ParameterValue, TemplateParameter};
use crate::template::variables::fill;

/// So many that it would never end if each were looked for among all.
const MANY: usize = 200_000;

#[test]
fn many_variables_are_filled_in_one_go() {
    let value = |i: usize| TemplateParameter {
        name: None,
        value: ParameterValue::Text(format!("v{i}")),
    };
    let (mut text, mut expected) = (String::new(), String::new());
    for i in 1..=MANY {
        write!(text, "{{{{{i}}}}} ").unwrap();
        write!(expected, "v{i} ").unwrap();
    }
    let given: Vec<_> = (1..=MANY).map(value).collect();
    let mut missing = Vec::new();
    assert_eq!(fill(&text, false, &given, &mut missing), expected);
    assert!(missing.is_empty());
    assert_eq!(fill(&text, false, &[], &mut missing), text);
    assert_eq!(missing.len(), MANY);
    fill(&text, false, &[], &mut missing);
    assert_eq!(missing.len(), MANY);
}
