//! Derives that do nothing, in the place of `wasmtime::component`'s and of `schemars`'s: the contract's types are the same
//! where there are none, in guests and in hosts on other engines.

use proc_macro::TokenStream;

/// In the place of `wasmtime::component::ComponentType`.
#[proc_macro_derive(ComponentType, attributes(component))]
pub fn component_type(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// In the place of `wasmtime::component::Lift`.
#[proc_macro_derive(Lift)]
pub fn lift(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// In the place of `wasmtime::component::Lower`.
#[proc_macro_derive(Lower)]
pub fn lower(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// In the place of `schemars::JsonSchema`.
#[proc_macro_derive(JsonSchema, attributes(schemars))]
pub fn json_schema(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
