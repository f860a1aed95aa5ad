//! What a component's type says about it, read before any of its code runs.

use std::collections::BTreeMap;
use std::ops::Deref;

use semver::Version;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, Lift, Linker, Lower, types,
};

use super::error::LoadError;
use super::lent;
use super::sandbox::Sandbox;
use crate::contract::account::{AccountError, BlockedPage, BusinessNumber, BusinessProfile};
use crate::contract::channel::Description;
use crate::contract::connection::{
    AccountHealth, ConnectError, Connected, Registration, WebhookTarget,
};
use crate::contract::contacts::KnownContact;
use crate::contract::events::{Delivery, Event, Rejection};
use crate::contract::inbox::{ReceiveError, Reception};
use crate::contract::media::{
    MediaLocation, Upload, UploadAnswer, UploadError, UploadRequest, UploadedMedia,
};
use crate::contract::outbound::{Message, Payload, TemplateMessage, Window, WindowState};
use crate::contract::sender::Sent;
use crate::contract::template_store::{Deletion, Listing, Page, Submitted, TemplateError};
use crate::contract::templates::{
    Definition, Draft, Finding, ParameterSpec, Rendered, TemplateKey,
};
use crate::contract::types::{Contact, Error, Problem, Recipient};
use crate::contract::{self, PACKAGE, PURE, storage};
use crate::plain;

/// A function of the contract.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// Compares its type with ours; absent where this host has no types for it yet.
    typecheck: Option<fn(&ComponentFunc, &types::Component) -> wasmtime::Result<()>>,
}

/// An interface that channels export.
pub(crate) struct Interface {
    pub(crate) name: &'static str,
    pub(crate) functions: &'static [Function],
}

/// A function whose Rust types are `P` and `R`.
const fn typed<P, R>(name: &'static str) -> Function
where
    P: ComponentNamedList + Lower,
    R: Lift,
    (R,): ComponentNamedList + Lift,
{
    Function {
        name,
        // The check that wasmtime's own bindings make. It is public but left out of its documentation; the
        // documented ones need an instance, and by then code of the plugin may have run.
        typecheck: Some(|function, component| {
            function.typecheck::<P, (R,)>(&component.instance_type())
        }),
    }
}

/// Every interface that channels export, with its functions: `wit/`, in the order of the worlds.
pub(crate) const INTERFACES: [Interface; 12] = [
    Interface {
        name: "channel",
        functions: &[
            typed::<(), Description>("describe"),
            typed::<(String,), Vec<Problem>>("validate"),
        ],
    },
    Interface {
        name: "webhook",
        functions: &[typed::<
            (Option<String>, Delivery),
            Result<Vec<Event>, Rejection>,
        >("normalize")],
    },
    Interface {
        name: "message",
        functions: &[typed::<
            (String, Message, Window, Option<Definition>),
            Result<Vec<Payload>, Vec<Problem>>,
        >("build")],
    },
    Interface {
        name: "window",
        functions: &[typed::<(WindowState, u64), Window>("evaluate")],
    },
    Interface {
        name: "template",
        functions: &[
            typed::<(Option<String>, Draft), Vec<Finding>>("lint"),
            typed::<(Definition,), Vec<ParameterSpec>>("parameters"),
            typed::<(Definition, TemplateMessage), Rendered>("render"),
        ],
    },
    Interface {
        name: "connection",
        functions: &[
            typed::<(String, Option<WebhookTarget>), Result<Connected, ConnectError>>("connect"),
            typed::<(String, WebhookTarget, Vec<Registration>), Result<(), Error>>("disconnect"),
            typed::<(String, Option<WebhookTarget>), Result<AccountHealth, Error>>("health"),
        ],
    },
    Interface {
        name: "inbox",
        functions: &[typed::<
            (String, Delivery, u64),
            Result<Reception, ReceiveError>,
        >("receive")],
    },
    Interface {
        name: "sender",
        functions: &[
            typed::<(String, Payload, Option<String>), Result<Sent, Error>>("send"),
            typed::<(String, String), Result<(), Error>>("mark-read"),
            typed::<(String, String), Result<(), Error>>("typing"),
        ],
    },
    Interface {
        name: "contacts",
        functions: &[
            typed::<(Recipient,), Result<Option<WindowState>, storage::Failure>>("window"),
            typed::<(Vec<KnownContact>,), Result<u32, storage::Failure>>("import"),
            typed::<(Contact,), Result<bool, storage::Failure>>("forget"),
        ],
    },
    Interface {
        name: "template-store",
        functions: &[
            typed::<(String, Draft), Result<Submitted, TemplateError>>("submit"),
            typed::<(String, Listing), Result<Page, TemplateError>>("list"),
            typed::<(String, Option<String>, Draft), Result<Submitted, TemplateError>>("edit"),
            typed::<(String, Deletion), Result<(), TemplateError>>("delete"),
            typed::<(), Result<Vec<Definition>, TemplateError>>("stored"),
            typed::<(TemplateKey,), Result<Option<Definition>, TemplateError>>("get"),
            typed::<(Definition,), Result<(), TemplateError>>("add"),
            typed::<(TemplateKey,), Result<bool, TemplateError>>("remove"),
        ],
    },
    Interface {
        name: "media",
        functions: &[
            typed::<(String, String), Result<MediaLocation, Error>>("locate"),
            typed::<(String, Upload), Result<UploadRequest, UploadError>>("upload-form"),
            typed::<(Upload, UploadAnswer), Result<UploadedMedia, Error>>("uploaded"),
        ],
    },
    Interface {
        name: "account",
        functions: &[
            typed::<(String,), Result<BusinessProfile, Error>>("profile"),
            typed::<(String, BusinessProfile), Result<(), AccountError>>("update-profile"),
            typed::<(String,), Result<BusinessNumber, Error>>("number"),
            typed::<(String, Option<String>), Result<BlockedPage, Error>>("blocked"),
            typed::<(String, Vec<Recipient>), Result<(), AccountError>>("block"),
            typed::<(String, Vec<Recipient>), Result<(), AccountError>>("unblock"),
        ],
    },
];

/// How a function of the contract stands in a component.
pub(crate) enum Standing {
    /// It has the contract's type.
    Fits,
    /// It is there; this host has no type to compare it with.
    Present,
    /// It is not there, or has another type.
    Wrong(String),
}

/// What a component exports under the contract's name.
#[derive(Default)]
pub(crate) struct Names {
    /// The full export names of the contract's interfaces that it exports, by their short names.
    pub(crate) exports: BTreeMap<&'static str, String>,
    /// Names in the contract's package that this version of it does not know.
    pub(crate) unknown: Vec<String>,
    /// Versions of the contract that it exports and this host does not speak.
    pub(crate) other_versions: Vec<Version>,
    /// Names in the contract's package without a version.
    unversioned: Vec<String>,
    /// Interfaces that it exports more than once, at versions that this host speaks.
    twice: Vec<&'static str>,
    /// Names of interfaces under which something else is exported.
    not_interfaces: Vec<String>,
}

impl Names {
    /// Sorts what a component exports: full names, and whether each is an interface.
    pub(super) fn of<'a>(all: impl IntoIterator<Item = (&'a str, bool)>) -> Self {
        let offered = offered_version();
        let mut names = Self::default();
        for (full, is_interface) in all {
            let Some((short, version)) = parse(full) else {
                if full.starts_with(&format!("{PACKAGE}/")) {
                    names.unversioned.push(full.to_owned());
                }
                continue;
            };
            if !compatible(&version, &offered) {
                names.other_versions.push(version);
            } else if let Some(interface) = INTERFACES.iter().find(|i| i.name == short) {
                if !is_interface {
                    names.not_interfaces.push(full.to_owned());
                }
                let earlier = names.exports.insert(interface.name, full.to_owned());
                if earlier.is_some() {
                    names.twice.push(interface.name);
                }
            } else {
                names.unknown.push(full.to_owned());
            }
        }
        names
    }

    /// Whether it is a channel of this version at all.
    pub(crate) fn version(&self) -> Result<(), LoadError> {
        if let Some(name) = self.not_interfaces.first() {
            return Err(LoadError::NotAnInterface(name.clone()));
        }
        if let Some(name) = self.twice.first() {
            return Err(LoadError::Twice(name));
        }
        if !self.exports.is_empty() {
            return Ok(());
        }
        if let Some(found) = self.other_versions.iter().max() {
            return Err(LoadError::Version {
                found: found.clone(),
                offered: offered_version(),
            });
        }
        if let Some(name) = self.unversioned.first() {
            return Err(LoadError::Unversioned(name.clone()));
        }
        Err(LoadError::NotAChannel)
    }

    /// Whether it exports all that every channel does.
    pub(crate) fn complete(&self) -> Result<(), LoadError> {
        let missing = PURE.into_iter();
        let missing: Vec<_> = missing
            .filter(|name| !self.exports.contains_key(name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        match self.other_versions.iter().max() {
            Some(found) => Err(LoadError::Mixed {
                missing,
                found: found.clone(),
                offered: offered_version(),
            }),
            None => Err(LoadError::Missing(missing)),
        }
    }
}

/// A component's exports and imports with their types, as far as the contract is concerned.
pub(crate) struct Shape {
    component: Component,
    ty: types::Component,
    names: Names,
    /// The names of its imports, apart from interfaces that hold only types.
    pub(crate) imports: Vec<String>,
}

impl Deref for Shape {
    type Target = Names;

    fn deref(&self) -> &Names {
        &self.names
    }
}

impl Shape {
    pub(crate) fn of(component: &Component) -> Self {
        let engine = component.engine();
        let ty = component.component_type();
        let names = Names::of(ty.exports(engine).map(|(name, export)| {
            let is_interface = matches!(export.ty, ComponentItem::ComponentInstance(_));
            (name, is_interface)
        }));
        let imports = ty
            .imports(engine)
            .filter(|(_, import)| !only_types(&import.ty, engine))
            .map(|(name, _)| name.to_owned())
            .collect();
        Self {
            component: component.clone(),
            ty,
            names,
            imports,
        }
    }

    /// Imports that `lent` does not name.
    pub(crate) fn not_lent(&self, capabilities: &[&str]) -> Vec<String> {
        let lends = |import: &&String| {
            let capability = parse(import).is_some_and(|(short, version)| {
                capabilities.contains(&short) && compatible(&version, &offered_version())
            });
            let wasi = import.split_once('@').is_some_and(|(name, version)| {
                let version = version.parse();
                lent::WASI.contains(&name)
                    && version.is_ok_and(|version| compatible(&version, &lent::WASI_VERSION))
            });
            capability || wasi
        };
        let not_lent = self.imports.iter().filter(|import| !lends(import));
        not_lent.cloned().collect()
    }

    /// The component itself.
    pub(super) fn component(&self) -> &Component {
        &self.component
    }

    /// Links each function of what is not WASI's to a refusal.
    pub(super) fn refuse_unlent(&self, linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
        let engine = self.component.engine();
        for import in self.not_lent(&[]) {
            let Some(ComponentItem::ComponentInstance(interface)) =
                self.ty.get_import(engine, &import).map(|import| import.ty)
            else {
                continue;
            };
            let mut instance = linker.instance(&import)?;
            for (name, function) in interface.exports(engine) {
                if matches!(function.ty, ComponentItem::ComponentFunc(_)) {
                    let refusal = format!("it called {import} {name}, which is not lent here");
                    instance.func_new(name, move |_, _, _, _| {
                        Err(wasmtime::Error::msg(refusal.clone()))
                    })?;
                }
            }
        }
        Ok(())
    }

    /// How a function of an exported interface stands.
    pub(crate) fn standing(&self, interface: &str, function: &Function) -> Standing {
        let engine = self.component.engine();
        let item = self.exports.get(interface).and_then(|full| {
            match self.ty.get_export(engine, full)?.ty {
                ComponentItem::ComponentInstance(instance) => {
                    Some(instance.get_export(engine, function.name)?.ty)
                }
                _ => None,
            }
        });
        match (item, function.typecheck) {
            (None, _) => Standing::Wrong("it is missing".to_owned()),
            (Some(ComponentItem::ComponentFunc(found)), _) if found.async_() => {
                Standing::Wrong("it is `async`, and the contract's functions are plain".to_owned())
            }
            (Some(ComponentItem::ComponentFunc(_)), None) => Standing::Present,
            (Some(ComponentItem::ComponentFunc(found)), Some(typecheck)) => {
                match typecheck(&found, &self.ty) {
                    Ok(()) => Standing::Fits,
                    Err(error) => Standing::Wrong(plain(&format!("{error:#}"))),
                }
            }
            (Some(_), _) => Standing::Wrong("it is not a function".to_owned()),
        }
    }

    /// All functions of exported interfaces that do not fit, as `interface.function` and why.
    pub(crate) fn misfits(&self) -> Vec<(String, String)> {
        let mut misfits = Vec::new();
        for interface in &INTERFACES {
            if !self.exports.contains_key(interface.name) {
                continue;
            }
            for function in interface.functions {
                if let Standing::Wrong(why) = self.standing(interface.name, function) {
                    misfits.push((format!("{}.{}", interface.name, function.name), why));
                }
            }
        }
        misfits
    }

    /// Where a function lies in the component, so that no name is looked up when it is called.
    pub(super) fn index(&self, interface: &str, function: &str) -> Option<ComponentExportIndex> {
        let full = self.exports.get(interface)?;
        let instance = self.component.get_export_index(None, full.as_str())?;
        self.component.get_export_index(Some(&instance), function)
    }
}

/// The version of the contract that this host offers.
pub(crate) fn offered_version() -> Version {
    // A constant of ours, read by a test.
    contract::VERSION.parse().unwrap_or(Version::new(0, 0, 0))
}

/// The interface and version in `messaging:channel/webhook@0.1.0`.
fn parse(name: &str) -> Option<(&str, Version)> {
    let (interface, version) = name
        .strip_prefix(PACKAGE)?
        .strip_prefix('/')?
        .split_once('@')?;
    Some((interface, version.parse().ok()?))
}

/// Whether components and hosts of two versions fit: equal up to the first number that is not zero, and never for
/// pre-releases that differ.
fn compatible(one: &Version, other: &Version) -> bool {
    one == other
        || one.pre.is_empty()
            && other.pre.is_empty()
            && one.major == other.major
            && (one.major > 0
                || one.minor == other.minor && (one.minor > 0 || one.patch == other.patch))
}

/// Whether an import asks for nothing but types.
fn only_types(item: &ComponentItem, engine: &wasmtime::Engine) -> bool {
    match item {
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine)
            .all(|(_, export)| matches!(export.ty, ComponentItem::Type(_))),
        ComponentItem::Type(_) => true,
        _ => false,
    }
}
