//! Starts a call on the addon's own runtime.

use std::{
    future::pending,
    io,
    sync::{Arc, LazyLock, Mutex, OnceLock},
    thread,
};

use napi::{
    Env, JsValue,
    bindgen_prelude::{Either, FromNapiValue, Function, JsObjectValue, Object, Result, ToNapiValue, Unknown},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};
use tokio_util::sync::CancellationToken;

use super::{
    js_call,
    outcome::Outcome,
    read_options,
    results::Progress,
    settle,
    validate::{Parsed, Shown, parse_options},
};
use crate::{
    call::{Event, Phase, ProgressListener},
    error::Error,
    options::{RawOptions, Request},
    registry::Registry,
    sync::lock,
    transport::http::HttpTransport,
};

/// A call in flight: `{ outcome, signal, dispose, shown }`. `signal` and `dispose` are undefined unless the caller gave a
/// signal; `shown` is what the call's events may show of its options, and undefined unless it is traced.
pub type Started<'env> = Object<'env>;

/// What a running call takes from its caller.
pub struct Hooks {
    pub cancel: CancellationToken,
    pub listener: Option<Arc<ProgressListener>>,
}

/// What all calls of the process share.
static REGISTRY: LazyLock<Registry<HttpTransport>> = LazyLock::new(|| {
    let exec_argv = EXEC_ARGV.get().cloned().unwrap_or_default();
    Registry::new(HttpTransport::from_environment(exec_argv))
});

/// The options of Node.js on the command line. Only the main thread and its workers know them, so they are read early.
static EXEC_ARGV: OnceLock<Vec<String>> = OnceLock::new();

/// Keeps `process.execArgv`. Those of a worker may be other ones, but say nothing about certificates.
pub fn keep_exec_argv(env: &Env) {
    let read = || -> Result<Vec<String>> {
        let process: Object = env.get_global()?.get_named_property("process")?;
        process.get_named_property("execArgv")
    };
    if let Ok(exec_argv) = read()
        && !exec_argv.is_empty()
    {
        let _ = EXEC_ARGV.set(exec_argv);
    }
}

/// What cancels the calls without a signal.
static NEVER: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);

/// `helpers` holds two functions of `lib/client.js`: `safeCallback` wraps a progress callback into one that never throws, and
/// `onAbort` listens to a signal and returns how to stop listening. `tracer` is given when the diagnostics channel has
/// subscribers: it is called with every event, the last one included.
pub fn start<'env, Input, Output, Value, Running>(
    env: &'env Env,
    options: Unknown<'env>,
    helpers: Object<'env>,
    tracer: Option<Unknown<'env>>,
    parse: impl FnOnce(RawOptions) -> std::result::Result<Input, Error>,
    to_js: fn(Output) -> Value,
    run: impl FnOnce(&'static Registry<HttpTransport>, Box<Input>, Hooks) -> Running + Send + 'static,
) -> Result<Started<'env>>
where
    Input: Request + Send + 'static,
    Output: Send + 'static,
    Value: ToNapiValue + Send + 'static,
    Running: Future<Output = std::result::Result<Output, Error>> + Send,
{
    let Parsed { request, signal, on_progress } = parse_options(env, options, parse)?;
    let shown = tracer.is_some().then(|| Shown::of(&request));
    let request = match request {
        Ok(request) => request,
        Err(error) => return failed::<Value>(env, error, shown),
    };
    let runtime = runtime()?;
    let tracer = tracer.map(Reporter::new).transpose()?;
    let on_progress = match on_progress {
        Some(callback) => Some(Reporter::new(safe_callback(env, &helpers, callback)?)?),
        None => None,
    };
    let (mut cancel, mut dispose) = (NEVER.clone(), None);
    if let Some(signal) = signal {
        cancel = CancellationToken::new();
        if read_options::is_aborted(env, &signal)? {
            cancel.cancel();
        }
        match listen(env, &helpers, signal, cancel.clone())? {
            Ok(stop) => dispose = Some(stop),
            Err(thrown) => return failed::<Value>(env, Error::unreadable_option("signal", thrown), shown),
        }
    }
    let listener = listener(tracer.clone(), on_progress.clone());
    let (hooks, request) = (Hooks { cancel, listener }, Box::new(request));
    let (pending, promise) = settle::pending(env)?;
    // Boxed, since what waits in the runtime takes up its largest size rounded up.
    runtime.spawn(Box::pin(async move {
        let result = run(&REGISTRY, request, hooks).await;
        for reporter in [tracer, on_progress].into_iter().flatten() {
            reporter.delivered().await;
        }
        pending.resolve(Outcome::from(result.map(to_js)));
    }));
    started(env, promise, signal, dispose, shown)
}

fn failed<'env, Value: ToNapiValue>(env: &'env Env, error: Error, shown: Option<Shown>) -> Result<Started<'env>> {
    started(env, Outcome::<Value>::from(Err(error)), None, None, shown)
}

/// Every property is there, so that none is looked up on a prototype.
pub fn started<'env>(
    env: &'env Env,
    outcome: impl ToNapiValue,
    signal: Option<Object<'env>>,
    dispose: Option<Unknown<'env>>,
    shown: Option<Shown>,
) -> Result<Started<'env>> {
    let mut started = Object::new(env)?;
    started.set("outcome", outcome)?;
    started.set("signal", signal.map_or(Either::B(()), Either::A))?;
    started.set("dispose", dispose.map_or(Either::B(()), Either::A))?;
    started.set("shown", shown.map_or(Either::B(()), Either::A))?;
    Ok(started)
}

fn listen<'env>(
    env: &'env Env,
    helpers: &Object<'env>,
    signal: Object<'env>,
    cancel: CancellationToken,
) -> Result<js_call::JsResult<Unknown<'env>>> {
    let cancel = env.create_function_from_closure::<(), (), _>("cancel", move |_| {
        cancel.cancel();
        Ok(())
    })?;
    js_call::call(env, helpers.get_named_property_unchecked("onAbort")?, &[signal.to_unknown(), cancel.to_unknown()])
}

/// The caller's progress callback, wrapped so that it never throws.
fn safe_callback<'env>(env: &'env Env, helpers: &Object<'env>, callback: Unknown<'env>) -> Result<Unknown<'env>> {
    let safe = js_call::call(env, helpers.get_named_property_unchecked("safeCallback")?, &[callback])?;
    safe.map_err(napi::Error::from_reason)
}

/// What hands each event to both callbacks. The end of a call is no progress.
fn listener(tracer: Option<Arc<Reporter>>, on_progress: Option<Arc<Reporter>>) -> Option<Arc<ProgressListener>> {
    if tracer.is_none() && on_progress.is_none() {
        return None;
    }
    Some(Arc::new(move |event: Event| {
        if let Some(tracer) = &tracer {
            tracer.report(event.clone());
        }
        if let (Some(on_progress), false) = (&on_progress, matches!(event.phase, Phase::Ended)) {
            on_progress.report(event);
        }
    }))
}

/// Hands events to a callback in JavaScript, in order.
struct Reporter {
    callback: ThreadsafeFunction<Progress, (), Progress, napi::Status, false, true>,
    last: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Reporter {
    fn new(callback: Unknown) -> Result<Arc<Self>> {
        let callback = Function::<Progress, ()>::from_unknown(callback)?;
        let callback = callback.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?;
        Ok(Arc::new(Reporter { callback, last: Mutex::new(None) }))
    }

    fn report(&self, event: Event) {
        let (called, last) = oneshot::channel();
        let note = move |_, _| {
            // The receiver is gone once a later event was reported.
            let _ = called.send(());
            Ok(())
        };
        self.callback.call_with_return_value(event.into(), ThreadsafeFunctionCallMode::NonBlocking, note);
        *lock(&self.last) = Some(last);
    }

    /// Waits until the callback was called with every event, so that none comes after the promise has settled.
    async fn delivered(&self) {
        let last = lock(&self.last).take();
        if let Some(last) = last {
            // An error means that the JavaScript side is gone, and with it whoever waited.
            let _ = last.await;
        }
    }
}

/// One thread is enough: it only waits for sockets and timers. It belongs to the addon, so neither the environment nor
/// other addons can size it, and it starts with the first call, not with `require`.
fn runtime() -> Result<Handle> {
    static RUNTIME: Mutex<Option<Handle>> = Mutex::new(None);
    let begin = || -> io::Result<Handle> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let handle = runtime.handle().clone();
        thread::Builder::new().name("turnstile-solver".into()).spawn(move || runtime.block_on(pending::<()>()))?;
        Ok(handle)
    };
    // What keeps it from starting may pass, so only success is kept.
    let mut known = lock(&RUNTIME);
    if let Some(handle) = &*known {
        return Ok(handle.clone());
    }
    let begun = begin().map(|handle| known.insert(handle).clone());
    begun.map_err(|problem| napi::Error::from_reason(format!("turnstile-solver could not start: {problem}")))
}
