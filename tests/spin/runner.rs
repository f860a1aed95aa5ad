//! A small stand-in for Spin: it reads the manifest, and serves the component as Spin 4.1 does. An instance takes up to 16 requests at
//! once and 128 altogether, and reaches what the manifest grants.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wasmtime::component::types::{ComponentExtern, ComponentItem};
use wasmtime::component::{Component, GuestTaskId, Linker, ResourceTable, Val};
use wasmtime::{Cache, CacheConfig, Config, Engine, Store, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ProxyHandler, ProxyPre, ShouldAccept, WorkerExpiration,
    WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    default_send_request,
};

use crate::store::{Keys, Lent, lend};

const MANIFEST: &str = include_str!("../../plugin/spin/spin.toml");

/// Spin's defaults for components of WASI 0.3.
const AT_ONCE: usize = 16;
const ALTOGETHER: usize = 128;

/// The manifest, as far as the runner knows it. A member that it does not know fails the tests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    spin_manifest_version: u8,
    #[serde(rename = "application")]
    _application: toml::Table,
    variables: BTreeMap<String, Variable>,
    trigger: Triggers,
    component: BTreeMap<String, Part>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Triggers {
    http: Vec<Route>,
    cron: Vec<Timer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Timer {
    cron_expression: String,
    component: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    default: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default, rename = "secret")]
    _secret: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    route: String,
    component: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    source: String,
    allowed_outbound_hosts: Vec<String>,
    key_value_stores: Vec<String>,
    variables: BTreeMap<String, String>,
    #[serde(rename = "build")]
    _build: Option<toml::Table>,
}

/// An application that runs.
pub struct Application {
    /// Where it answers.
    pub url: String,
    server: JoinHandle<()>,
    timers: Vec<Spinning>,
    /// How many instances there were.
    pub instances: Arc<Mutex<usize>>,
}

impl Drop for Application {
    fn drop(&mut self) {
        self.server.abort();
    }
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let mut cache = CacheConfig::new();
    cache.with_directory(concat!(env!("OUT_DIR"), "/cache"));
    config.cache(Some(Cache::new(cache).expect("a cache")));
    Engine::new(&config).expect("an engine")
});

/// The application.
pub static APPLICATION: LazyLock<Component> =
    LazyLock::new(|| load(spin_application::APPLICATION).expect("a component"));

/// A component, compiled.
///
/// # Errors
///
/// The file is none.
pub fn load(file: &str) -> Result<Component> {
    Ok(Component::from_file(&ENGINE, file)?)
}

/// An interface that a component imports.
#[derive(Debug)]
pub struct Import {
    /// Its name, with its version.
    pub name: String,
    /// How many functions it has.
    pub functions: usize,
}

/// What a component imports.
///
/// # Panics
///
/// Something that it imports is no interface.
#[must_use]
pub fn imports(component: &Component) -> Vec<Import> {
    let application = component.component_type();
    let imports = application.imports(&ENGINE);
    let import = |(name, item): (&str, ComponentExtern)| {
        let interface = match item.ty {
            ComponentItem::ComponentInstance(interface) => interface,
            // One that the world uses.
            ComponentItem::Type(_) => return None,
            _ => panic!("{name} is no interface"),
        };
        let exports = interface.exports(&ENGINE);
        let functions = exports.filter(|(_, it)| matches!(it.ty, ComponentItem::ComponentFunc(_)));
        Some(Import {
            name: name.to_owned(),
            functions: functions.count(),
        })
    };
    imports.filter_map(import).collect()
}

impl Application {
    /// Starts it with these variables, on this store.
    ///
    /// # Errors
    ///
    /// A variable is missing, or the manifest is another.
    pub async fn start(keys: &Keys, given: &[(&str, &str)]) -> Result<Self> {
        Self::start_from(&APPLICATION, keys, given).await
    }

    /// Starts a component in its place.
    ///
    /// # Errors
    ///
    /// As [`Application::start`].
    pub async fn start_from(
        source: &Component,
        keys: &Keys,
        given: &[(&str, &str)],
    ) -> Result<Self> {
        let manifest: Manifest = toml::from_str(MANIFEST)?;
        ensure!(manifest.spin_manifest_version == 2, "another manifest");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = origin(listener.local_addr()?);
        let variables = manifest.resolve(&[given, &[("public_url", &url)]].concat())?;
        let instances = Arc::default();
        let spinning = |component: &str| {
            let part = &manifest.component[component];
            ensure!(
                part.source.ends_with("/channel-360dialog-spin.wasm"),
                "{}",
                part.source
            );
            let fill = |text: &String| template(text, &variables);
            let hosts: Result<Vec<_>> = part.allowed_outbound_hosts.iter().map(fill).collect();
            let hosts: Vec<Uri> = hosts?
                .iter()
                .map(|host| host.parse())
                .collect::<Result<_, _>>()?;
            let of_part = part
                .variables
                .iter()
                .map(|(name, value)| Ok((name.clone(), fill(value)?)));
            Ok(Spinning {
                pre: pre(source)?,
                keys: keys.clone(),
                variables: Arc::new(of_part.collect::<Result<_>>()?),
                granted: part.key_value_stores.clone(),
                hosts: hosts.into(),
                instances: Arc::clone(&instances),
            })
        };
        let mut routes = Vec::new();
        for Route { route, component } in &manifest.trigger.http {
            let prefix = route.strip_suffix("...").context("a wildcard")?.to_owned();
            routes.push((prefix, ProxyHandler::new(spinning(component)?)));
        }
        let mut timers = Vec::new();
        for Timer {
            cron_expression,
            component,
        } in &manifest.trigger.cron
        {
            let fields = cron_expression.split(' ').count();
            ensure!(fields == 6, "{cron_expression}: from seconds to weekdays");
            timers.push(spinning(component)?);
        }
        let server = tokio::spawn(serve(listener, Arc::new(routes)));
        Ok(Self {
            url,
            server,
            timers,
            instances,
        })
    }

    /// Calls what the manifest wants called from time to time, as Spin's cron trigger does.
    ///
    /// # Errors
    ///
    /// The component failed, or says that it did.
    pub async fn tick(&self) -> Result<()> {
        for timer in &self.timers {
            let mut store = timer.store();
            let instance = timer.pre.instance_pre();
            let instance = instance.instantiate_async(&mut store).await?;
            let handle = instance.get_func(&mut store, "handle-cron-event");
            let handle = handle.context("it handles no time")?;
            let metadata = Val::Record(vec![("timestamp".to_owned(), Val::U64(0))]);
            let mut result = [Val::Bool(false)];
            handle
                .call_async(&mut store, &[metadata], &mut result)
                .await?;
            ensure!(result == [Val::Result(Ok(None))], "{result:?}");
        }
        Ok(())
    }
}

impl Manifest {
    fn resolve(&self, given: &[(&str, &str)]) -> Result<BTreeMap<String, String>> {
        let mut given: BTreeMap<_, _> = given.iter().copied().collect();
        let mut resolved = BTreeMap::new();
        for (name, variable) in &self.variables {
            ensure!(
                variable.required != variable.default.is_some(),
                "{name}: required, or a default"
            );
            let value = given.remove(name.as_str()).or(variable.default.as_deref());
            resolved.insert(
                name.clone(),
                value.with_context(|| format!("no {name}"))?.to_owned(),
            );
        }
        ensure!(given.is_empty(), "there is no variable {given:?}");
        Ok(resolved)
    }
}

/// Text with variables in the place of `{{ name }}`.
fn template(text: &str, variables: &BTreeMap<String, String>) -> Result<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").context("a template without end")?;
        filled.push_str(before);
        filled.push_str(
            variables
                .get(name.trim())
                .with_context(|| format!("no variable {name}"))?,
        );
        rest = after;
    }
    Ok(filled + rest)
}

type Routes = Arc<Vec<(String, ProxyHandler<Spinning>)>>;

async fn serve(listener: TcpListener, routes: Routes) {
    while let Ok((stream, _)) = listener.accept().await {
        let routes = Arc::clone(&routes);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&routes, request));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    routes: &Routes,
    request: Request<Incoming>,
) -> Result<Response<WasiBody>, Infallible> {
    let path = request.uri().path();
    let route = routes
        .iter()
        .find(|(prefix, _)| path.starts_with(prefix.as_str()));
    let empty = |status| {
        let body = http_body_util::Empty::new().map_err(|never: Infallible| match never {});
        let mut response = Response::new(body.boxed_unsync());
        *response.status_mut() = status;
        response
    };
    let Some((_, handler)) = route else {
        return Ok(empty(StatusCode::NOT_FOUND));
    };
    let mut request = request.map(|body| body.map_err(Error::from).boxed_unsync());
    add_headers(&mut request);
    Ok(handler.handle((), request).await.unwrap_or_else(|error| {
        eprintln!("the application failed: {error:?}");
        empty(StatusCode::INTERNAL_SERVER_ERROR)
    }))
}

/// Spin tells components of a request in its headers.
fn add_headers(request: &mut Request<WasiBody>) {
    let (uri, mut headers) = (request.uri().clone(), HeaderMap::new());
    let mut add = |name, value: &str| {
        headers.insert(name, value.parse().expect("it was a part of a header"));
    };
    add("spin-path-info", uri.path());
    add("spin-full-url", &format!("http://localhost{uri}"));
    add("spin-matched-route", "/webhooks/...");
    add("spin-client-addr", "127.0.0.1:1");
    request.headers_mut().extend(headers);
}

/// A component of the manifest.
struct Spinning {
    pre: ServicePre<Guest>,
    keys: Keys,
    variables: Arc<BTreeMap<String, String>>,
    granted: Vec<String>,
    hosts: Arc<[Uri]>,
    instances: Arc<Mutex<usize>>,
}

fn pre(component: &Component) -> Result<ServicePre<Guest>> {
    let mut linker = Linker::<Guest>::new(&ENGINE);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    lend(&mut linker)?;
    Ok(ServicePre::new(linker.instantiate_pre(component)?)?)
}

/// What one instance has.
struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    lent: Lent,
}

impl AsMut<Lent> for Guest {
    fn as_mut(&mut self) -> &mut Lent {
        &mut self.lent
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.lent.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.lent.table,
            ctx: &mut self.http,
        }
    }
}

/// Lets requests out to `allowed_outbound_hosts`, and nowhere else.
struct Outbound(Arc<[Uri]>);

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Box<dyn Future<Output = Result<(Response<WasiBody>, Io), Error>> + Send>;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Sent {
        let to = request.uri();
        let is_granted = (self.0.iter())
            .any(|host| (host.scheme(), host.authority()) == (to.scheme(), to.authority()));
        Box::new(async move {
            if !is_granted {
                return Err(Error::HttpRequestDenied);
            }
            let (response, io) = default_send_request(request, options).await?;
            Ok((response.map(BodyExt::boxed_unsync), Box::new(io) as Io))
        })
    }
}

impl Spinning {
    fn store(&self) -> Store<Guest> {
        let guest = Guest {
            wasi: WasiCtx::builder().inherit_stderr().build(),
            http: WasiHttpCtx::new(),
            outbound: Outbound(Arc::clone(&self.hosts)),
            lent: Lent {
                table: ResourceTable::new(),
                keys: self.keys.clone(),
                variables: Arc::clone(&self.variables),
                granted: self.granted.clone(),
            },
        };
        Store::new(self.pre.engine(), guest)
    }
}

impl HandlerState for Spinning {
    type StoreData = Guest;
    type WorkerExpiration = Forever;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Forever, Worker>> {
        *self.instances.lock().expect("nobody panics with it") += 1;
        let mut store = self.store();
        let proxy = ProxyPre::P3(self.pre.clone())
            .instantiate_async(&mut store)
            .await?;
        debug_assert!(matches!(proxy, Proxy::P3(_)));
        Ok(Instance {
            store,
            proxy,
            view: Guest::http,
            expiration: Forever,
            state: Worker,
        })
    }
}

/// An instance goes with the server.
struct Forever;

impl WorkerExpiration for Forever {
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>, _: WorkerStatus, _: Instant) -> Poll<()> {
        Poll::Pending
    }
}

struct Worker;

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = ();

    fn should_accept_request(&self, at_once: usize, altogether: usize) -> ShouldAccept {
        if altogether >= ALTOGETHER {
            ShouldAccept::Never
        } else if at_once >= AT_ONCE {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        Box::pin(std::future::pending())
    }

    // What failed, the answer tells.
    fn drop(&self, _: Store<Guest>, _: Result<(), wasmtime::Error>) {}
}

/// An address that this machine answers at.
#[must_use]
pub fn origin(address: SocketAddr) -> String {
    format!("http://{address}")
}
