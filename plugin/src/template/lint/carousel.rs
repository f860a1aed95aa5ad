//! Cards side by side.

use std::mem::discriminant;

use super::buttons::buttons;
use super::{Context, Findings, body, header};
use crate::bindings::messaging::channel::templates::{
    TemplateButton, TemplateCard, TemplateContent, TemplateHeader,
};

pub(super) const SOURCE: &str = "Cloud API, media card carousel templates";
const SOURCE_PRODUCTS: &str = "Cloud API, product card carousel templates";

/// The longest body of a card.
const BODY_LIMIT: usize = 160;

fn shows_product(card: &TemplateCard) -> bool {
    matches!(card.header, Some(TemplateHeader::Product))
}

/// The cards, and what there can't be beside them.
pub(super) fn carousel(content: &TemplateContent, context: &Context<'_>, findings: &mut Findings) {
    for (member, is_there) in [
        ("header", content.header.is_some()),
        ("footer", content.footer.is_some()),
        ("buttons", !content.buttons.is_empty()),
    ] {
        if is_there {
            findings.not_allowed(
                format_args!("/content/{member}"),
                format_args!(
                    "Beside cards there is a body only: take {member} out, or put it on the cards"
                ),
                SOURCE,
            );
        }
    }
    let cards = &content.carousel;
    let products = cards.iter().all(shows_product);
    let most = if products { 2 } else { 10 };
    if !(2..=most).contains(&cards.len()) {
        let (message, source) = if products {
            ("give 2; more may be sent", SOURCE_PRODUCTS)
        } else {
            ("give 2 to 10", SOURCE)
        };
        findings.refused.add(
            "/content/carousel",
            "wrong_count",
            format_args!("The number of cards is {}: {message}", cards.len()),
            source,
        );
    }
    for (i, card) in cards.iter().enumerate() {
        let at = format!("/content/carousel/{i}");
        self::card(&at, card, cards, findings);
        if let Some(given) = &card.header {
            header(&format!("{at}/header"), given, context, findings);
        }
        if let Some(given) = &card.body {
            body(&format!("{at}/body"), given, BODY_LIMIT, context, findings);
        }
        buttons(&format!("{at}/buttons"), &card.buttons, context, findings);
    }
}

/// Of which parts a card is made.
fn card(at: &str, card: &TemplateCard, cards: &[TemplateCard], findings: &mut Findings) {
    let product = shows_product(card);
    let source = if product { SOURCE_PRODUCTS } else { SOURCE };
    let film = |card: &TemplateCard| matches!(card.header, Some(TemplateHeader::Video(_)));
    let pointer = format!("{at}/header");
    match card.header {
        Some(TemplateHeader::Image(_) | TemplateHeader::Video(_) | TemplateHeader::Product) => {
            if product != shows_product(&cards[0]) {
                findings.refused.add(
                    pointer,
                    "mixed_cards",
                    "Some cards show a product and some a picture or film: give all of them the same",
                    source,
                );
            } else if film(card) != film(&cards[0]) {
                findings.likely_rejected.add(
                    pointer,
                    "mixed_cards",
                    "Some cards show a picture and some a film, which Meta may not take: give all of them the same",
                    source,
                );
            }
        }
        _ => findings.refused.add(
            pointer,
            "bad_header",
            "Every card has a header: give each a picture, each a film or each a product",
            source,
        ),
    }
    if product && card.body.is_some() {
        findings.not_allowed(
            format_args!("{at}/body"),
            "A card with a product has no body: take it out",
            source,
        );
    } else if !product && card.body.is_none() && cards.iter().any(|card| card.body.is_some()) {
        findings.refused.add(
            format_args!("{at}/body"),
            "required",
            "Other cards have a body: give all of them one, or none",
            source,
        );
    }
    let kinds = |card: &TemplateCard| -> Vec<_> { card.buttons.iter().map(discriminant).collect() };
    // All cards have the same components; that their buttons are alike as well is stated nowhere.
    if kinds(card) != kinds(&cards[0]) {
        findings.likely_rejected.add(
            format_args!("{at}/buttons"),
            "mixed_buttons",
            "This card has other kinds of buttons than the first, which Meta may not take: give all of them the same",
            source,
        );
    }
    if !(1..=2).contains(&card.buttons.len()) {
        findings.refused.add(
            format_args!("{at}/buttons"),
            "wrong_count",
            format_args!(
                "The number of the card's buttons is {}: give 1 or 2",
                card.buttons.len()
            ),
            source,
        );
    }
    for (i, button) in card.buttons.iter().enumerate() {
        let fits = match button {
            TemplateButton::Url(_) => true,
            TemplateButton::QuickReply(_) | TemplateButton::PhoneNumber(_) => !product,
            TemplateButton::Product(_) => product,
            _ => false,
        };
        if !fits {
            let kinds = if product {
                "product or url"
            } else {
                "quick_reply, url or phone_number"
            };
            findings.refused.add(
                format_args!("{at}/buttons/{i}"),
                "wrong_kind",
                format_args!("This card can't have such a button: give one of type {kinds}"),
                source,
            );
        }
    }
}
