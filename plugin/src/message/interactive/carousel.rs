//! Cards side by side: each a picture or film with buttons, or each a product.

use std::mem::discriminant;

use super::{BODY_LIMIT, BUTTON_LIMIT, Headers, header, interactive, page, replies};
use crate::bindings::messaging::channel::outbound::{Card, Carousel, Header};
use crate::message::wire::{Action, CarouselCard, Content, Line, Reply, Tagged};
use crate::problem::Problems;

const SOURCE: &str = "Cloud API, interactive media carousel messages";
const SOURCE_PRODUCTS: &str = "Cloud API, interactive product carousel messages";

/// The longest text of a card.
const CARD_LIMIT: usize = 160;

pub(in crate::message) fn carousel<'a>(
    carousel: &'a Carousel,
    problems: &mut Problems,
) -> Content<'a> {
    problems.text("/content/body", &carousel.body, BODY_LIMIT, SOURCE);
    if !(2..=10).contains(&carousel.cards.len()) {
        problems.add(
            "/content/cards",
            "wrong_count",
            format_args!(
                "The number of cards is {}: give 2 to 10",
                carousel.cards.len()
            ),
            SOURCE,
        );
    }
    let mut cards = Vec::with_capacity(carousel.cards.len());
    for (card_index, given) in carousel.cards.iter().enumerate() {
        let at = format!("/content/cards/{card_index}");
        // The first card sets what the others must be alike in.
        alike(&at, &carousel.cards[0], given, problems);
        cards.extend(card(&at, card_index, given, problems));
    }
    let action = Action::Cards { cards };
    interactive("carousel", None, Some(&carousel.body), None, action)
}

/// All cards of one kind; media of one kind above all; as many buttons on each; all products of one catalogue.
fn alike(at: &str, first: &Card, card: &Card, problems: &mut Problems) {
    if discriminant(first) != discriminant(card) {
        problems.add(
            at,
            "mixed_cards",
            "This card is of another kind than the first: give each a page, each reply buttons or each a product",
            SOURCE,
        );
    }
    // Newer examples of Meta's mix pictures and films; that all are alike is taken in any case.
    if let (Some(first), Some(header)) = (media(first), media(card))
        && discriminant(first) != discriminant(header)
    {
        problems.add(
            format_args!("{at}/header/type"),
            "bad_header",
            "Above the first card is another kind of media: give each card a picture, or each a film",
            SOURCE,
        );
    }
    match (first, card) {
        (Card::Replies(first), Card::Replies(card))
            if first.buttons.len() != card.buttons.len() =>
        {
            problems.add(
                format_args!("{at}/buttons"),
                "wrong_count",
                "The first card has another number of buttons: give each card as many",
                SOURCE,
            );
        }
        (Card::Product(first), Card::Product(card)) if first.catalog_id != card.catalog_id => {
            problems.add(
                format_args!("{at}/catalog_id"),
                "mixed_catalogs",
                "The first card's product is of another catalogue: give products of one",
                SOURCE_PRODUCTS,
            );
        }
        _ => {}
    }
}

fn media(card: &Card) -> Option<&Header> {
    match card {
        Card::Link(card) => Some(&card.header),
        Card::Replies(card) => Some(&card.header),
        Card::Product(_) | Card::Other(_) => None,
    }
}

fn card<'a>(
    at: &str,
    card_index: usize,
    card: &'a Card,
    problems: &mut Problems,
) -> Option<CarouselCard<'a>> {
    let (kind, media, text, action) = match card {
        Card::Link(card) => {
            problems.text(
                format_args!("{at}/title"),
                &card.title,
                BUTTON_LIMIT,
                SOURCE,
            );
            page(format_args!("{at}/url"), &card.url, SOURCE, problems);
            let action = Action::link(&card.title, &card.url);
            ("cta_url", Some(&card.header), &card.body, action)
        }
        Card::Replies(card) => {
            // Meta says "one or more"; three is the most that a message without cards has.
            if !(1..=3).contains(&card.buttons.len()) {
                problems.add(
                    format_args!("{at}/buttons"),
                    "wrong_count",
                    format_args!("There are {} buttons: give 1 to 3", card.buttons.len()),
                    SOURCE,
                );
            }
            replies(&format!("{at}/buttons"), &card.buttons, SOURCE, problems);
            let buttons = card
                .buttons
                .iter()
                .map(|button| {
                    let (id, title) = (&button.id, &button.title);
                    Tagged("quick_reply", Reply { id, title })
                })
                .collect();
            // Meta types these cards as it does those with a page, and tells them apart by their action.
            let action = Action::Buttons { buttons };
            ("cta_url", Some(&card.header), &card.body, action)
        }
        Card::Product(card) => {
            for (member, id) in [
                ("catalog_id", &card.catalog_id),
                ("product_id", &card.product_id),
            ] {
                problems.text(
                    format_args!("{at}/{member}"),
                    id,
                    usize::MAX,
                    SOURCE_PRODUCTS,
                );
            }
            let action = Action::Product {
                catalog_id: &card.catalog_id,
                product_retailer_id: &card.product_id,
            };
            ("product", None, &None, action)
        }
        Card::Other(foreign) => {
            problems.add(
                format_args!("{at}/type"),
                "unsupported",
                format_args!(
                    "This version sends no cards of {}: use link, replies or product",
                    foreign.kind
                ),
                SOURCE,
            );
            return None;
        }
    };
    let text = text.as_deref();
    let pointer = format!("{at}/body");
    problems.optional_text(&pointer, text, CARD_LIMIT, SOURCE);
    if text.is_some_and(|text| text.matches('\n').count() > 2) {
        problems.add(
            &pointer,
            "too_many_lines",
            "A card's text has at most 2 line breaks: shorten it to 3 lines",
            SOURCE,
        );
    }
    let header = media.and_then(|media| {
        header(
            &format!("{at}/header"),
            media,
            Headers::Picture,
            SOURCE,
            problems,
        )
    });
    Some(CarouselCard {
        card_index,
        kind,
        header,
        body: text.map(|text| Line { text }),
        action,
    })
}
