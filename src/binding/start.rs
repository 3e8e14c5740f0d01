//! Starts a call on the addon's own runtime.

use std::{
    future::pending,
    io,
    sync::{Arc, LazyLock, Mutex, PoisonError},
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

use super::{foreign, given, outcome::Outcome, results::Progress, settle};
use crate::{
    error::Error,
    request::GivenOptions,
    run::{Event, Phase, Watch},
};

/// A call under way: `{ outcome, signal, forget }`. The last two are undefined unless the caller gave a signal.
pub type Started<'env> = Object<'env>;

/// What a running call takes from its caller.
pub struct Hooks {
    pub cancel: CancellationToken,
    pub watch: Option<Arc<Watch>>,
}

/// What cancels the calls without a signal.
static NEVER: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);

/// `shell` holds two functions of the shell: `guarded` wraps a progress callback into one that never throws, and
/// `onAbort` listens to a signal and answers how to stop listening. `watch` is given when somebody listens to the channel: it is
/// told of the whole call, and calls the caller's progress callback itself.
pub fn start<'env, Request, Found, Answer, Running>(
    env: &'env Env,
    options: Unknown<'env>,
    shell: Object<'env>,
    watch: Option<Unknown<'env>>,
    parse: impl FnOnce(GivenOptions) -> std::result::Result<Request, Error>,
    shown: fn(Found) -> Answer,
    run: impl FnOnce(Box<Request>, Hooks) -> Running + Send + 'static,
) -> Result<Started<'env>>
where
    Request: Send + 'static,
    Found: Send + 'static,
    Answer: ToNapiValue + Send + 'static,
    Running: Future<Output = std::result::Result<Found, Error>> + Send,
{
    let reading = match given::read(env, options)? {
        Ok(reading) => reading,
        Err(error) => return failed::<Answer>(env, error),
    };
    let request = match parse(reading.given) {
        Ok(request) => request,
        Err(error) => return failed::<Answer>(env, error),
    };
    let runtime = runtime()?;
    let wants_end = watch.is_some();
    let reporter = match watch.or(reading.on_progress) {
        Some(callback) => Some(Arc::new(Reporter::new(env, &shell, callback)?)),
        None => None,
    };
    let (mut cancel, mut forget) = (NEVER.clone(), None);
    if let Some(signal) = reading.signal {
        cancel = CancellationToken::new();
        if given::is_aborted(env, &signal)? {
            cancel.cancel();
        }
        match listen(env, &shell, signal, cancel.clone())? {
            Ok(stop) => forget = Some(stop),
            Err(thrown) => return failed::<Answer>(env, Error::unreadable_option("signal", thrown)),
        }
    }
    let watch = reporter.clone().map(|reporter| {
        Arc::new(move |event: Event| {
            if wants_end || !matches!(event.phase, Phase::Ended) {
                reporter.report(event);
            }
        }) as Arc<Watch>
    });
    let (hooks, request) = (Hooks { cancel, watch }, Box::new(request));
    let (pending, promise) = settle::pending(env)?;
    // Boxed, since what waits in the runtime takes up its largest size rounded up.
    runtime.spawn(Box::pin(async move {
        let found = run(request, hooks).await;
        if let Some(reporter) = reporter {
            reporter.delivered().await;
        }
        pending.resolve(Outcome::from(found.map(shown)));
    }));
    started(env, promise, reading.signal, forget)
}

fn failed<'env, Answer: ToNapiValue>(env: &'env Env, error: Error) -> Result<Started<'env>> {
    started(env, Outcome::<Answer>::from(Err(error)), None, None)
}

/// Every property is there, so that none is looked up on a prototype.
fn started<'env>(
    env: &'env Env,
    outcome: impl ToNapiValue,
    signal: Option<Object<'env>>,
    forget: Option<Unknown<'env>>,
) -> Result<Started<'env>> {
    let mut started = Object::new(env)?;
    started.set("outcome", outcome)?;
    started.set("signal", signal.map_or(Either::B(()), Either::A))?;
    started.set("forget", forget.map_or(Either::B(()), Either::A))?;
    Ok(started)
}

fn listen<'env>(
    env: &'env Env,
    shell: &Object<'env>,
    signal: Object<'env>,
    cancel: CancellationToken,
) -> Result<foreign::Answer<Unknown<'env>>> {
    let cancel = env.create_function_from_closure::<(), (), _>("cancel", move |_| {
        cancel.cancel();
        Ok(())
    })?;
    foreign::call(env, shell.get_named_property_unchecked("onAbort")?, &[signal.to_unknown(), cancel.to_unknown()])
}

/// Hands events to the caller's callback, in order.
struct Reporter {
    callback: ThreadsafeFunction<Progress, (), Progress, napi::Status, false, true>,
    last: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Reporter {
    fn new(env: &Env, shell: &Object, callback: Unknown) -> Result<Self> {
        let guarded = foreign::call(env, shell.get_named_property_unchecked("guarded")?, &[callback])?;
        let callback = Function::<Progress, ()>::from_unknown(guarded.map_err(napi::Error::from_reason)?)?;
        let callback = callback.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?;
        Ok(Reporter { callback, last: Mutex::new(None) })
    }

    fn report(&self, event: Event) {
        let (called, last) = oneshot::channel();
        let note = move |_, _| {
            // Nobody listens any more once a later event was reported.
            let _ = called.send(());
            Ok(())
        };
        self.callback.call_with_return_value(event.into(), ThreadsafeFunctionCallMode::NonBlocking, note);
        if let Ok(mut slot) = self.last.lock() {
            *slot = Some(last);
        }
    }

    /// Waits until the callback was called with every event, so that none comes after the promise has settled.
    async fn delivered(&self) {
        let last = self.last.lock().ok().and_then(|mut slot| slot.take());
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
    let mut known = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*known {
        return Ok(handle.clone());
    }
    let begun = begin().map(|handle| known.insert(handle).clone());
    begun.map_err(|problem| napi::Error::from_reason(format!("turnstile-solver could not start: {problem}")))
}
