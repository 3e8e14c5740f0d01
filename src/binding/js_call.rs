//! Calls into the user's JavaScript. Whatever it throws, be it an error that is its own cause or a stack overflow, comes
//! back as text: napi's own conversion of thrown values follows causes without end.

use std::ptr;

use napi::{
    Env, JsValue,
    bindgen_prelude::{FromNapiValue, Object, Result, Unknown},
    sys,
};

/// What JavaScript returned, or the text of what it threw.
pub type JsResult<T> = std::result::Result<T, String>;

/// Calls a function.
pub fn call<'env>(env: &Env, function: Unknown, arguments: &[Unknown]) -> Result<JsResult<Unknown<'env>>> {
    let arguments: Vec<_> = arguments.iter().map(JsValue::raw).collect();
    let mut returned = ptr::null_mut();
    // `this` is whatever is not needed by the functions called here.
    let status = unsafe {
        let this = function.raw();
        sys::napi_call_function(env.raw(), this, function.raw(), arguments.len(), arguments.as_ptr(), &mut returned)
    };
    js_result(env, status, returned)
}

/// Calls a function of a global object: `JSON.stringify`, `JSON.parse`.
pub fn call_global<'env>(env: &Env, object: &str, name: &str, argument: Unknown) -> Result<JsResult<Unknown<'env>>> {
    let global = unsafe { Object::from_napi_value(env.raw(), env.get_global()?.raw()) }?;
    let object = match property(env, &global, env.create_string(object)?.to_unknown())? {
        Ok(object) => unsafe { Object::from_napi_value(env.raw(), object.raw()) }?,
        Err(thrown) => return Ok(Err(thrown)),
    };
    match property(env, &object, env.create_string(name)?.to_unknown())? {
        Ok(function) => call(env, function, &[argument]),
        Err(thrown) => Ok(Err(thrown)),
    }
}

/// The names of an object's own enumerable properties, as `Object.keys` gives them. A proxy may throw.
pub fn own_names<'env>(env: &Env, object: &Object) -> Result<JsResult<Unknown<'env>>> {
    let mut names = ptr::null_mut();
    let (own, as_text) = (sys::KeyCollectionMode::own_only, sys::KeyConversion::numbers_to_strings);
    let kept = sys::KeyFilter::enumerable | sys::KeyFilter::skip_symbols;
    let status = unsafe { sys::napi_get_all_property_names(env.raw(), object.raw(), own, kept, as_text, &mut names) };
    js_result(env, status, names)
}

/// Reads a property, whose getter may throw.
pub fn property<'env>(env: &Env, object: &Object, name: Unknown) -> Result<JsResult<Unknown<'env>>> {
    let mut value = ptr::null_mut();
    let status = unsafe { sys::napi_get_property(env.raw(), object.raw(), name.raw(), &mut value) };
    js_result(env, status, value)
}

fn js_result<'env>(env: &Env, status: sys::napi_status, value: sys::napi_value) -> Result<JsResult<Unknown<'env>>> {
    if status == sys::Status::napi_ok {
        return Ok(Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), value) }));
    }
    match take_exception(env) {
        Some(exception) => Ok(Err(text_of(env, exception))),
        None => Err(napi::Error::new(napi::Status::from(status), "JavaScript returned nothing")),
    }
}

fn text_of(env: &Env, thrown: sys::napi_value) -> String {
    let mut text = ptr::null_mut();
    let converted = unsafe { sys::napi_coerce_to_string(env.raw(), thrown, &mut text) } == sys::Status::napi_ok;
    if !converted {
        // Its `toString` threw in its turn.
        take_exception(env);
        return "something without a text".into();
    }
    unsafe { String::from_napi_value(env.raw(), text) }.unwrap_or_default()
}

/// Clears the pending exception, if there is one.
fn take_exception(env: &Env) -> Option<sys::napi_value> {
    let mut pending = false;
    let mut exception = ptr::null_mut();
    // Both calls may be made while an exception is pending.
    unsafe {
        sys::napi_is_exception_pending(env.raw(), &mut pending);
        let taken =
            pending && sys::napi_get_and_clear_last_exception(env.raw(), &mut exception) == sys::Status::napi_ok;
        taken.then_some(exception)
    }
}
