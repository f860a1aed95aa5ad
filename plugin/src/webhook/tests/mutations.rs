//! What one wrong value costs: at most the item that it stands in. The valid items are those that the fuzz target begins with.

use super::*;
use proptest::collection::vec;
use proptest::sample::{Index, select};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

/// A string that stands where JSON is put that `Value` can't hold.
const MARK: &str = "@";

/// One change of each kind, `{"field", "value"}`.
static CHANGES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut seeds: Vec<_> = seeds().collect();
    seeds.retain(|seed| seed.get("field").is_some());
    assert!(seeds.len() > 60);
    seeds
});

fn seeds() -> impl Iterator<Item = Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let files = std::fs::read_dir(directory).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
}

/// A body, and where its items stand in it, in order.
#[derive(Clone, Debug)]
struct Batch {
    body: Value,
    items: Vec<String>,
}

impl Batch {
    fn at(&self, place: &str) -> &Value {
        self.body.pointer(place).unwrap()
    }

    /// Whether an item begins here, or around this.
    fn in_item(&self, place: &str) -> bool {
        self.items.iter().any(|item| is_in(place, item))
    }

    /// The items in this part of the body.
    fn items_in(&self, part: &str) -> Range<usize> {
        let is_inside = |item: &String| is_in(item, part);
        let start = self.items.iter().position(is_inside).unwrap_or(0);
        start..start + self.items.iter().filter(|item| is_inside(item)).count()
    }
}

fn is_in(place: &str, part: &str) -> bool {
    place
        .strip_prefix(part)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Several kinds of item of one field, each some times over.
fn change_of(kinds: &[(Index, usize)]) -> Value {
    let mut change = kinds[0].0.get(&CHANGES).clone();
    let same_field: Vec<&Value> = (CHANGES.iter())
        .filter(|other| other["field"] == change["field"])
        .collect();
    let value = change["value"].as_object_mut().unwrap();
    if !value.keys().any(|name| is_list(name)) {
        return change;
    }
    for (kind, times) in kinds {
        for (name, member) in kind.get(&same_field)["value"].as_object().unwrap() {
            let known = value.entry(name).or_insert_with(|| member.clone());
            if let (true, Value::Array(known), Value::Array(more)) = (is_list(name), known, member)
            {
                known.extend(more.iter().cycle().take(more.len() * times).cloned());
            }
        }
    }
    change
}

fn is_list(name: &str) -> bool {
    ITEM_LISTS.contains(&name) || name == "conversation_context"
}

/// Where the items of a value stand.
fn items(value: &Value, at: &str) -> Vec<String> {
    let elements = |list: &Value, at: &str| -> Vec<String> {
        let count = list.as_array().map_or(0, Vec::len);
        (0..count).map(|n| format!("{at}/{n}")).collect()
    };
    let mut items = Vec::new();
    for (name, list) in value.as_object().unwrap() {
        let list_at = format!("{at}/{name}");
        if name == "conversation_context" {
            items.push(list_at);
        } else if name == "history" {
            for (n, chunk) in list.as_array().unwrap().iter().enumerate() {
                let threads = chunk.get("threads").and_then(Value::as_array);
                let Some(threads) = threads else {
                    items.push(format!("{list_at}/{n}"));
                    continue;
                };
                for (thread, messages) in threads.iter().enumerate() {
                    let at = format!("{list_at}/{n}/threads/{thread}/messages");
                    items.extend(elements(&messages["messages"], &at));
                }
            }
        } else if is_list(name) {
            items.extend(elements(list, &list_at));
        }
    }
    if items.is_empty() {
        items.push(at.to_owned());
    }
    items
}

fn batch() -> impl Strategy<Value = Batch> {
    let change = vec((any::<Index>(), 0..3_usize), 1..4).prop_map(|kinds| change_of(&kinds));
    let entries = vec(vec(change, 1..4), 1..4);
    (entries, 0..8_u8).prop_map(|(entries, shape)| {
        let first = &entries[0][0];
        let value = &first["value"];
        let has_lists = value.get("metadata").is_some();
        let (mut body, places) = match shape {
            0 => (first.clone(), vec!["/value".to_owned()]),
            1 if has_lists => (value.clone(), vec![String::new()]),
            2 if has_lists => {
                let body = json!({"id": "EV", "event": first["field"], "data": value});
                (body, vec!["/data".to_owned()])
            }
            3 if has_lists => {
                let mut old = value.clone();
                old.as_object_mut().unwrap().remove("metadata");
                old.as_object_mut().unwrap().remove("messaging_product");
                (old, vec![String::new()])
            }
            _ => {
                let mut places = Vec::new();
                let mut list = Vec::new();
                for (n, changes) in entries.iter().enumerate() {
                    let place = |m| format!("/entry/{n}/changes/{m}/value");
                    places.extend((0..changes.len()).map(place));
                    list.push(
                        json!({"id": n.to_string(), "time": 1_750_000_000, "changes": changes}),
                    );
                }
                let body = json!({"object": "whatsapp_business_account", "entry": list});
                (body, places)
            }
        };
        let items: Vec<_> = places
            .iter()
            .flat_map(|place| items(body.pointer(place).unwrap(), place))
            .collect();
        for (n, item) in items.iter().enumerate() {
            body.pointer_mut(item).unwrap()["n"] = json!(n);
        }
        Batch { body, items }
    })
}

/// What happens at a place. The JSON is a value there, or beside what was there, of the same name or of one that can't be read.
#[derive(Clone, Debug)]
enum Mutation {
    Removed,
    Replaced(String),
    Before(String),
    After(String),
    Beside(String),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        Just(Mutation::Removed),
        odd().prop_map(Mutation::Replaced),
        odd().prop_map(Mutation::Before),
        odd().prop_map(Mutation::After),
        odd().prop_map(Mutation::Beside),
    ]
}

fn odd() -> impl Strategy<Value = String> {
    let short = select(vec![
        "null",
        "7",
        "-1.5",
        "true",
        r#""""#,
        r#""x""#,
        "{}",
        "[]",
        r#"[{"x":1},2,null]"#,
        r#"{"x":[1]}"#,
        "1e999",
        "1e308",
        "-123456789012345678901234567890",
        r#""\ud83d""#,
        r#""a\u0000b""#,
        r#"{"\ud83d":"\ude00"}"#,
    ]);
    let huge = select(vec![
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{}0{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000)),
        format!(r#""{}""#, "x".repeat(100_000)),
        format!("[{}0]", "0,".repeat(10_000)),
        format!(r#"{{{}"y":0}}"#, r#""x":1,"#.repeat(10_000)),
    ]);
    prop_oneof![4 => short.prop_map(str::to_owned), 1 => huge]
}

/// All places in a value.
fn places(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                self::places(member, &format!("{at}/{name}"), places);
            }
        }
        Value::Array(elements) => {
            for (n, element) in elements.iter().enumerate() {
                self::places(element, &format!("{at}/{n}"), places);
            }
        }
        _ => {}
    }
}

/// The JSON of a value in which something happened at a place.
fn mutated(value: &Value, place: &str, mutation: &Mutation) -> String {
    let mut value = value.clone();
    let Some((parent, name)) = place.rsplit_once('/') else {
        let Mutation::Replaced(odd) = mutation else {
            panic!("a root has no neighbours");
        };
        return odd.clone();
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    let parent = value.pointer_mut(parent).unwrap();
    if matches!(mutation, Mutation::Removed) {
        match parent {
            Value::Object(members) => drop(members.remove(&name)),
            parent => drop(parent.as_array_mut().unwrap().remove(name.parse().unwrap())),
        }
        return value.to_string();
    }
    let (same, unreadable) = if parent.is_object() {
        (format!("{}:", json!(name)), r#""\ud800":"#)
    } else {
        (String::new(), "")
    };
    let at = match parent {
        Value::Object(members) => &mut members[&name],
        parent => &mut parent[name.parse::<usize>().unwrap()],
    };
    let was = std::mem::replace(at, json!(MARK));
    let put = match mutation {
        Mutation::Replaced(odd) => odd.clone(),
        Mutation::Before(odd) => format!("{odd},{same}{was}"),
        Mutation::After(odd) => format!("{was},{same}{odd}"),
        Mutation::Beside(odd) => format!("{was},{unreadable}{odd}"),
        Mutation::Removed => unreachable!(),
    };
    value
        .to_string()
        .replacen(&json!(MARK).to_string(), &put, 1)
}

/// The part of a body that a wrong value outside all items may change: the innermost change, entry or body that it stands in.
fn part_around(place: &str) -> String {
    let names: Vec<&str> = place.split('/').collect();
    let length = match names[..] {
        ["", "entry", _, "changes", _, ..] => 5,
        ["", "entry", _, ..] => 3,
        _ => 1,
    };
    names[..length].join("/")
}

/// The promises, and an id for each item: these are all written in one way.
fn check(body: &str, events: &[Event]) {
    promises::check(body, events);
    let mut raws = BTreeMap::new();
    for event in events {
        let item = (&event.origin.field, &event.raw);
        assert_eq!(*raws.entry(&event.id).or_insert(item), item);
    }
}

#[test]
fn every_seed_is_read_as_what_it_is() {
    for seed in seeds() {
        let events = events(&seed);
        let is_unknown = |event: &Event| matches!(event.body, EventBody::Unknown(_));
        assert!(!events.is_empty(), "{seed}");
        assert_eq!(
            events.iter().any(is_unknown),
            seed["field"] == "field_of_tomorrow",
            "{seed}"
        );
    }
}

proptest! {
    #[test]
    fn a_wrong_value_in_an_item_costs_that_item_alone(
        batch in batch(), item: Index, place: Index, mutation in mutation(),
    ) {
        let before = events(&batch.body);
        let raws: Vec<_> = batch.items.iter().map(|item| batch.at(item).to_string()).collect();
        prop_assert_eq!(before.iter().map(|event| &event.raw).collect::<Vec<_>>(), raws.iter().collect::<Vec<_>>());

        let item = item.index(batch.items.len());
        let at = &batch.items[item];
        let mut inside = Vec::new();
        places(batch.at(at), "", &mut inside);
        let place = place.get(&inside);
        if place.is_empty() {
            let Mutation::Replaced(odd) = &mutation else { return Ok(()) };
            // A change without a value is the item; what may be a list or one item is one where it is an object.
            let is_none = odd == "null" && at.ends_with("/value");
            let is_no_object = !odd.starts_with('{') && at.ends_with("/conversation_context");
            prop_assume!(!is_none && !is_no_object);
        }
        let body = mutated(&batch.body, &format!("{at}{place}"), &mutation);
        let raw = mutated(batch.at(at), place, &mutation);
        let after = read(None, body.as_bytes()).unwrap();
        check(&body, &after);
        prop_assert_eq!(after.len(), before.len());
        prop_assert_eq!(&after[item].raw, &raw);
        for (n, (after, before)) in after.iter().zip(&before).enumerate() {
            prop_assert!(n == item || after == before, "{:?} was {:?}", after, before);
        }
    }

    #[test]
    fn a_wrong_value_around_items_costs_no_item_that_still_stands(
        batch in batch(), place: Index, mutation in mutation(),
    ) {
        let before = events(&batch.body);
        let mut around = Vec::new();
        places(&batch.body, "", &mut around);
        around.retain(|place| !place.is_empty() && !batch.in_item(place));
        prop_assume!(!around.is_empty());
        let place = place.get(&around);
        let body = mutated(&batch.body, place, &mutation);
        let after = match read(None, body.as_bytes()) {
            Ok(after) => after,
            Err(rejection) => {
                // Only a member that a body is known by.
                prop_assert_eq!(rejection.reason, RejectionReason::Foreign);
                prop_assert_eq!(place.matches('/').count(), 1);
                return Ok(());
            }
        };
        check(&body, &after);

        let part = batch.items_in(&part_around(place));
        let behind = before.len() - part.end;
        prop_assert!(after.len() >= part.start + behind);
        let (first, rest) = after.split_at(part.start);
        let (inside, last) = rest.split_at(rest.len() - behind);
        prop_assert_eq!(first, &before[..part.start]);
        prop_assert_eq!(last, &before[part.end..]);

        let is_replaced = matches!(mutation, Mutation::Removed | Mutation::Replaced(_));
        // These say what items mean.
        let keeps_meaning = !place.split('/').any(|name| ["field", "event", "metadata"].contains(&name));
        let mut inside = inside.iter();
        for (item, before) in batch.items[part.clone()].iter().zip(&before[part]) {
            if is_replaced && is_in(item, place) {
                continue;
            }
            let found = inside.find(|event| event.raw.contains(&before.raw));
            prop_assert!(found.is_some(), "{} is lost from {:.2000}", before.raw, body);
            prop_assert!(!keeps_meaning || found.is_some_and(|event| event.body == before.body));
        }
    }
}

#[test]
fn what_items_share_is_not_repeated_without_bound() {
    let long = "7".repeat(50_000);
    let items = format!("[{}{{}}]", "{},".repeat(2000));
    for body in [
        format!(r#"{{"entry":[{{"id":"L","changes":[{{"value":{{"messages":{items}}}}}]}}]}}"#),
        format!(r#"{{"field":"L","value":{{"messages":{items}}}}}"#),
        format!(
            r#"{{"metadata":{{"display_phone_number":"L","phone_number_id":"L"}},"statuses":{items}}}"#
        ),
        format!(
            r#"{{"contacts":[{{"wa_id":"1","profile":{{"name":"L"}}}}],"messages":[{}7]}}"#,
            r#"{"from":"1"},"#.repeat(2000)
        ),
        format!(r#"{{"history":[{{"threads":[{{"id":"L","messages":{items}}}]}}]}}"#),
        format!(r#"{{"entry":[],"L":{items}}}"#),
        format!(
            r#"{{"entry":[{{"changes":[],"L":[{}1]}}]}}"#,
            "1,".repeat(2000)
        ),
        format!(r#"{{"id":"E","event":"history","data":{{"id":"L","history":{items}}}}}"#),
        format!(
            r#"{{"messages":[{{"type":"text","context":{{"mentions":[{}1]}}}}]}}"#,
            "1e308,1e-300,1e20,1e-6,".repeat(2000)
        ),
    ] {
        let body = body.replace('L', &long);
        let events = read(None, body.as_bytes()).unwrap();
        assert!(!events.is_empty());
        promises::check(&body, &events);
    }
}
