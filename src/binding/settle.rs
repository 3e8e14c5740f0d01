//! Settles the promises of calls: many in one wake-up of the event loop, through one threadsafe function for each
//! JavaScript environment. It holds the event loop while a promise is pending, and only then.

use std::{
    cell::RefCell,
    collections::HashMap,
    mem, ptr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use napi::{
    Env,
    bindgen_prelude::{FunctionCallContext, Object, Result, ToNapiValue},
    check_status, sys,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep_until},
};

use crate::sync::lock;

/// While so many promises are pending, their event loop is woken so often at the most.
const MANY: usize = 50;
const BETWEEN_WAKES: Duration = Duration::from_millis(5);

type Wake = ThreadsafeFunction<(), (), (), napi::Status, false, true>;
type Settlement = Box<dyn FnOnce(sys::napi_env) -> Result<sys::napi_value> + Send>;

/// A promise that is pending. It is settled exactly once, with an error if it is dropped.
pub struct Pending {
    deferred: Option<Deferred>,
    queue: Arc<Queue>,
}

/// Used on the thread of its environment alone; anywhere else it is only carried.
struct Deferred(sys::napi_deferred);
unsafe impl Send for Deferred {}

/// Settlements on their way to the thread of the environment.
struct Queue {
    settlements: Mutex<Vec<(Deferred, Settlement)>>,
    wake: Wake,
    wakes: Mutex<Wakes>,
    pending: AtomicUsize,
}

/// When the event loop is woken.
#[derive(Default)]
struct Wakes {
    last: Option<Instant>,
}

thread_local! {
    static QUEUES: RefCell<HashMap<sys::napi_env, Arc<Queue>>> = RefCell::default();
}

/// Makes a promise.
pub fn pending(env: &Env) -> Result<(Pending, Object<'_>)> {
    let queue = queue_of(env)?;
    let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
    check_status!(unsafe { sys::napi_create_promise(env.raw(), &mut deferred, &mut promise) })?;
    if queue.pending.fetch_add(1, Ordering::Relaxed) == 0 {
        check_status!(unsafe { sys::napi_ref_threadsafe_function(env.raw(), queue.wake.raw()) })?;
    }
    let pending = Pending { deferred: Some(Deferred(deferred)), queue };
    Ok((pending, Object::from_raw(env.raw(), promise)))
}

impl Pending {
    pub fn resolve<T: ToNapiValue + Send + 'static>(mut self, value: T) {
        self.settle(Box::new(move |env| unsafe { T::to_napi_value(env, value) }));
    }

    fn settle(&mut self, settlement: Settlement) {
        let Some(deferred) = self.deferred.take() else { return };
        let mut settlements = lock(&self.queue.settlements);
        settlements.push((deferred, settlement));
        if settlements.len() == 1 {
            self.queue.wake();
        }
    }
}

impl Queue {
    fn wake(self: &Arc<Self>) {
        let runtime = Handle::try_current();
        let pending = self.pending.load(Ordering::Relaxed);
        let due = lock(&self.wakes).next(Instant::now(), pending, runtime.is_ok());
        match (due, runtime) {
            (Some(due), Ok(runtime)) => {
                let queue = Arc::clone(self);
                runtime.spawn(async move {
                    sleep_until(due).await;
                    queue.call();
                });
            }
            _ => self.call(),
        }
    }

    /// Refused only where the environment is gone, and with it whoever waited.
    fn call(&self) {
        self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

impl Wakes {
    /// The instant of the next wake. `None` is at once. While many promises are pending and the last wake is recent, it is
    /// a little later, for all that will have settled by then.
    fn next(&mut self, now: Instant, pending: usize, can_wait: bool) -> Option<Instant> {
        let due = self.last.map_or(now, |last| last + BETWEEN_WAKES).max(now);
        let is_later = due > now && pending >= MANY && can_wait;
        self.last = Some(if is_later { due } else { now });
        is_later.then_some(due)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.settle(Box::new(|_| {
            Err(napi::Error::from_reason("turnstile-solver: internal error, the call was dropped"))
        }));
    }
}

fn queue_of(env: &Env) -> Result<Arc<Queue>> {
    let known = QUEUES.with_borrow(|queues| queues.get(&env.raw()).cloned());
    if let Some(queue) = known {
        return Ok(queue);
    }
    let wake = env.create_function_from_closure::<(), (), _>("settle", |context: FunctionCallContext| {
        settle_batch(context.env)
    })?;
    let wake = wake.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?;
    let (wakes, pending) = (Mutex::default(), AtomicUsize::new(0));
    let queue = Arc::new(Queue { settlements: Mutex::default(), wake, wakes, pending });
    QUEUES.with_borrow_mut(|queues| queues.insert(env.raw(), Arc::clone(&queue)));
    env.add_env_cleanup_hook(env.raw(), |env| {
        QUEUES.with_borrow_mut(|queues| queues.remove(&env));
    })?;
    Ok(queue)
}

fn settle_batch(env: &Env) -> Result<()> {
    let queue = queue_of(env)?;
    let batch = mem::take(&mut *lock(&queue.settlements));
    let left = queue.pending.fetch_sub(batch.len(), Ordering::Relaxed) - batch.len();
    for (Deferred(deferred), settlement) in batch {
        let value = settlement(env.raw());
        let reason = |error| unsafe { ToNapiValue::to_napi_value(env.raw(), error) };
        // This fails only while the environment is being torn down. There is no caller any more then, and the rest of
        // the batch must not be lost.
        let _ = match value {
            Ok(value) => unsafe { sys::napi_resolve_deferred(env.raw(), deferred, value) },
            Err(error) => match reason(error) {
                Ok(reason) => unsafe { sys::napi_reject_deferred(env.raw(), deferred, reason) },
                Err(_) => continue,
            },
        };
    }
    match left {
        0 => check_status!(unsafe { sys::napi_unref_threadsafe_function(env.raw(), queue.wake.raw()) }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
