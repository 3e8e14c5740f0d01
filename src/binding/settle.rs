//! Settles the promises of calls: many in one wake-up of the event loop, through one threadsafe function for each
//! JavaScript environment. It holds the event loop while a promise is pending, and only then.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    mem, ptr,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use napi::{
    Env,
    bindgen_prelude::{FunctionCallContext, Object, Result, ToNapiValue},
    check_status, sys,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};

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
}

/// What the thread of an environment keeps of it.
struct Desk {
    queue: Arc<Queue>,
    pending: Cell<usize>,
}

thread_local! {
    static DESKS: RefCell<HashMap<sys::napi_env, Rc<Desk>>> = RefCell::default();
}

/// Makes a promise.
pub fn pending(env: &Env) -> Result<(Pending, Object<'_>)> {
    let desk = desk(env)?;
    let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
    check_status!(unsafe { sys::napi_create_promise(env.raw(), &mut deferred, &mut promise) })?;
    if desk.pending.replace(desk.pending.get() + 1) == 0 {
        check_status!(unsafe { sys::napi_ref_threadsafe_function(env.raw(), desk.queue.wake.raw()) })?;
    }
    let pending = Pending { deferred: Some(Deferred(deferred)), queue: Arc::clone(&desk.queue) };
    Ok((pending, Object::from_raw(env.raw(), promise)))
}

impl Pending {
    pub fn resolve<T: ToNapiValue + Send + 'static>(mut self, value: T) {
        self.settle(Box::new(move |env| unsafe { T::to_napi_value(env, value) }));
    }

    fn settle(&mut self, settlement: Settlement) {
        let Some(deferred) = self.deferred.take() else { return };
        let mut settlements = locked(&self.queue.settlements);
        settlements.push((deferred, settlement));
        if settlements.len() == 1 {
            // Refused only where the environment is gone, and with it whoever waited.
            self.queue.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.settle(Box::new(|_| {
            Err(napi::Error::from_reason("turnstile-solver: internal error, the call was dropped"))
        }));
    }
}

fn desk(env: &Env) -> Result<Rc<Desk>> {
    let known = DESKS.with_borrow(|desks| desks.get(&env.raw()).cloned());
    if let Some(desk) = known {
        return Ok(desk);
    }
    let wake = env.create_function_from_closure::<(), (), _>("settle", |context: FunctionCallContext| {
        settle_batch(context.env)
    })?;
    let wake = wake.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()?;
    let desk = Rc::new(Desk { queue: Arc::new(Queue { settlements: Mutex::default(), wake }), pending: Cell::new(0) });
    DESKS.with_borrow_mut(|desks| desks.insert(env.raw(), Rc::clone(&desk)));
    env.add_env_cleanup_hook(env.raw(), |env| {
        DESKS.with_borrow_mut(|desks| desks.remove(&env));
    })?;
    Ok(desk)
}

fn settle_batch(env: &Env) -> Result<()> {
    let desk = desk(env)?;
    let batch = mem::take(&mut *locked(&desk.queue.settlements));
    let left = desk.pending.get() - batch.len();
    desk.pending.set(left);
    for (Deferred(deferred), settlement) in batch {
        let value = settlement(env.raw());
        let reason = |error| unsafe { ToNapiValue::to_napi_value(env.raw(), error) };
        // What fails here fails because the environment is going down: there is nobody left to tell, and the rest of the
        // batch must not be lost over it.
        let _ = match value {
            Ok(value) => unsafe { sys::napi_resolve_deferred(env.raw(), deferred, value) },
            Err(error) => match reason(error) {
                Ok(reason) => unsafe { sys::napi_reject_deferred(env.raw(), deferred, reason) },
                Err(_) => continue,
            },
        };
    }
    match left {
        0 => check_status!(unsafe { sys::napi_unref_threadsafe_function(env.raw(), desk.queue.wake.raw()) }),
        _ => Ok(()),
    }
}

/// A panic elsewhere left no half-made change: a settlement is in the queue or it is not.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
