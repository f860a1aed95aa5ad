//! Address-book cards. (Cloud API, contacts messages.)

use super::wire::{self, Body, Content, Tagged};
use crate::bindings::messaging::channel::outbound::Cards;
use crate::bindings::messaging::channel::types::ContactCard;
use crate::problem::Problems;

const SOURCE: &str = "Cloud API, contacts messages";

/// The most cards. The page says 257 and Meta's description of the API 5; 5 are taken by both.
const MAX_CARDS: usize = 5;

pub(super) fn contacts<'a>(cards: &'a Cards, problems: &mut Problems) -> Content<'a> {
    if !(1..=MAX_CARDS).contains(&cards.contacts.len()) {
        problems.add(
            "/content/contacts",
            "wrong_count",
            format_args!(
                "The number of cards is {}: give 1 to {MAX_CARDS}",
                cards.contacts.len()
            ),
            SOURCE,
        );
    }
    let cards = cards
        .contacts
        .iter()
        .enumerate()
        .map(|(i, given)| card(&format!("/content/contacts/{i}"), given, problems))
        .collect();
    Tagged("contacts", Body::Contacts(cards))
}

fn card<'a>(at: &str, card: &'a ContactCard, problems: &mut Problems) -> wire::ContactCard<'a> {
    let name = name(at, card, problems);
    if let Some(birthday) = &card.birthday
        && !is_day(birthday)
    {
        problems.add(
            format_args!("{at}/birthday"),
            "bad_date",
            "This is no day: write it as 1990-12-31",
            SOURCE,
        );
    }
    for (member, given) in [("origin", &card.origin), ("vcard", &card.vcard)] {
        if given.is_some() {
            problems.add(
                format_args!("{at}/{member}"),
                "unsupported",
                "Only cards that come in have this: leave it out, and give the card's own members",
                SOURCE,
            );
        }
    }
    if let Some(organisation) = &card.organisation {
        for (member, text) in [
            ("company", &organisation.company),
            ("department", &organisation.department),
            ("title", &organisation.title),
        ] {
            let pointer = format_args!("{at}/organisation/{member}");
            problems.optional_text(pointer, text.as_deref(), usize::MAX, SOURCE);
        }
    }
    let mut part = |list: &str, i: usize, member: &str, text: &'a Option<String>| {
        let pointer = format_args!("{at}/{list}/{i}/{member}");
        problems.optional_text(pointer, text.as_deref(), usize::MAX, SOURCE);
        text.as_deref()
    };
    wire::ContactCard {
        name,
        phones: numbered(&card.phones, |i, given| wire::Phone {
            phone: part("phones", i, "phone", &given.phone),
            wa_id: part("phones", i, "contact_phone", &given.contact_phone),
            kind: part("phones", i, "label", &given.label),
        }),
        emails: numbered(&card.emails, |i, given| wire::Email {
            email: part("emails", i, "email", &given.email),
            kind: part("emails", i, "label", &given.label),
        }),
        addresses: numbered(&card.addresses, |i, given| wire::Address {
            street: part("addresses", i, "street", &given.street),
            city: part("addresses", i, "city", &given.city),
            state: part("addresses", i, "state", &given.state),
            zip: part("addresses", i, "zip", &given.zip),
            country: part("addresses", i, "country", &given.country),
            country_code: part("addresses", i, "country_code", &given.country_code),
            kind: part("addresses", i, "label", &given.label),
        }),
        urls: numbered(&card.urls, |i, given| wire::Page {
            url: part("urls", i, "url", &given.url),
            kind: part("urls", i, "label", &given.label),
        }),
        org: card.organisation.as_ref().map(|given| wire::Organisation {
            company: given.company.as_deref(),
            department: given.department.as_deref(),
            title: given.title.as_deref(),
        }),
        birthday: card.birthday.as_deref(),
    }
}

fn numbered<'a, T, U>(list: &'a [T], mut each: impl FnMut(usize, &'a T) -> U) -> Vec<U> {
    list.iter().enumerate().map(|(i, it)| each(i, it)).collect()
}

/// The whole name, and at least one part of it: an old rule of the on-premise API, with which a card is taken in any case.
fn name<'a>(at: &str, card: &'a ContactCard, problems: &mut Problems) -> wire::Name<'a> {
    let given = card.name.as_ref();
    let name = given.map_or_else(wire::Name::default, |name| wire::Name {
        formatted_name: name.formatted_name.as_deref(),
        first_name: name.first_name.as_deref(),
        last_name: name.last_name.as_deref(),
        middle_name: name.middle_name.as_deref(),
        suffix: name.suffix.as_deref(),
        prefix: name.prefix.as_deref(),
    });
    if name.formatted_name.is_none() {
        problems.add(
            format_args!("{at}/name/formatted_name"),
            "required",
            "A card needs the whole name as it is shown: give it",
            SOURCE,
        );
    }
    let parts = [
        ("first_name", name.first_name),
        ("last_name", name.last_name),
        ("middle_name", name.middle_name),
        ("suffix", name.suffix),
        ("prefix", name.prefix),
    ];
    if parts.iter().all(|(_, part)| part.is_none()) {
        problems.add(
            format_args!("{at}/name/first_name"),
            "required",
            "Beside the whole name a card needs one part of it: give first_name or last_name",
            SOURCE,
        );
    }
    for (member, text) in [("formatted_name", name.formatted_name)]
        .into_iter()
        .chain(parts)
    {
        problems.optional_text(format_args!("{at}/name/{member}"), text, usize::MAX, SOURCE);
    }
    name
}

/// `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        let all = digits.bytes().all(|b| b.is_ascii_digit());
        all.then(|| digits.parse::<u32>().ok()).flatten()
    };
    let dashes = [4, 7].map(|i| text.as_bytes().get(i) == Some(&b'-'));
    text.len() == 10
        && dashes == [true; 2]
        && number(0..4).is_some()
        && number(5..7).is_some_and(|month| (1..=12).contains(&month))
        && number(8..10).is_some_and(|day| (1..=31).contains(&day))
}
