//! Products of a catalogue.

use super::interactive::{BODY_LIMIT, header_text, interactive, section_title, texts};
use super::wire::{Action, Content, Parameters};
use crate::bindings::messaging::channel::outbound::{
    CatalogMessage, ProductMessage, ProductSection, ProductsMessage,
};
use crate::problem::Problems;

const SOURCE_PRODUCTS: &str = "Cloud API, share products with customers";
const SOURCE_CATALOG: &str = "Cloud API, catalog messages";

pub(super) fn product<'a>(product: &'a ProductMessage, problems: &mut Problems) -> Content<'a> {
    const SOURCE: &str = SOURCE_PRODUCTS;
    let (body, footer) = (product.body.as_deref(), product.footer.as_deref());
    problems.optional_text("/content/body", body, BODY_LIMIT, SOURCE);
    problems.optional_text("/content/footer", footer, 60, SOURCE);
    for (pointer, id) in [
        ("/content/catalog_id", &product.catalog_id),
        ("/content/product_id", &product.product_id),
    ] {
        problems.text(pointer, id, usize::MAX, SOURCE);
    }
    let action = Action::Product {
        catalog_id: &product.catalog_id,
        product_retailer_id: &product.product_id,
    };
    interactive("product", None, body, footer, action)
}

pub(super) fn products<'a>(products: &'a ProductsMessage, problems: &mut Problems) -> Content<'a> {
    const SOURCE: &str = SOURCE_PRODUCTS;
    let footer = products.footer.as_deref();
    let header = header_text("/content/header", &products.header, SOURCE, problems);
    texts(&products.body, BODY_LIMIT, footer, SOURCE, problems);
    let catalog_id = &products.catalog_id;
    problems.text("/content/catalog_id", catalog_id, usize::MAX, SOURCE);
    sections("/content", &products.sections, SOURCE, problems);
    let action = Action::Products {
        catalog_id,
        sections: products.sections.iter().map(Into::into).collect(),
    };
    interactive(
        "product_list",
        Some(header),
        Some(&products.body),
        footer,
        action,
    )
}

/// Up to 30 products in up to 10 sections; `at` is where `sections` stands.
pub(super) fn sections(
    at: &str,
    sections: &[ProductSection],
    source: &str,
    problems: &mut Problems,
) {
    let products: usize = sections.iter().map(|section| section.products.len()).sum();
    if !(1..=10).contains(&sections.len()) || products > 30 {
        problems.add(
            format_args!("{at}/sections"),
            "wrong_count",
            format_args!(
                "There are {} sections and {products} products: give 1 to 10 sections with at most 30 products together",
                sections.len()
            ),
            source,
        );
    }
    for (i, section) in sections.iter().enumerate() {
        let at = format!("{at}/sections/{i}");
        section_title(
            &format!("{at}/title"),
            section.title.as_deref(),
            sections.len() > 1,
            source,
            problems,
        );
        if section.products.is_empty() {
            problems.add(
                format_args!("{at}/products"),
                "wrong_count",
                "The section has no product: give one, or leave the section out",
                source,
            );
        }
        for (j, product) in section.products.iter().enumerate() {
            problems.text(
                format_args!("{at}/products/{j}"),
                product,
                usize::MAX,
                source,
            );
        }
    }
}

pub(super) fn catalog<'a>(catalog: &'a CatalogMessage, problems: &mut Problems) -> Content<'a> {
    const KIND: &str = "catalog_message";
    const SOURCE: &str = SOURCE_CATALOG;
    let footer = catalog.footer.as_deref();
    texts(&catalog.body, BODY_LIMIT, footer, SOURCE, problems);
    let thumbnail = catalog.thumbnail_product_id.as_deref();
    problems.optional_text(
        "/content/thumbnail_product_id",
        thumbnail,
        usize::MAX,
        SOURCE,
    );
    let action = Action::Named {
        name: KIND,
        parameters: thumbnail.map(|id| Parameters::Catalog {
            thumbnail_product_retailer_id: id,
        }),
    };
    interactive(KIND, None, Some(&catalog.body), footer, action)
}
