//! Reads a JavaScript options object. Whatever a getter, a proxy or a `toJSON` throws is caught here and told by name.

use std::ptr;

use napi::{
    Env, JsValue, ValueType,
    bindgen_prelude::{FromNapiValue, Function, JsObjectValue, Object, Result, Unknown},
    sys,
};

use crate::{
    error::Error,
    request::{Given, GivenOptions},
};

/// The options, and the two values among them that stay in JavaScript.
pub struct Reading<'env> {
    pub given: GivenOptions,
    pub signal: Option<Object<'env>>,
    pub on_progress: Option<Function<'env, Unknown<'env>, Unknown<'env>>>,
}

/// Reads the own enumerable properties, each once, as a spread would.
pub fn read<'env>(env: &'env Env, options: Unknown<'env>) -> Result<std::result::Result<Reading<'env>, Error>> {
    if options.get_type()? != ValueType::Object || options.is_array()? {
        let problem = format!("must be an object, not {}", type_name(&options)?);
        return Ok(Err(Error::invalid_option("options", problem)));
    }
    let names = match own_names(env, options)? {
        Ok(names) => names,
        Err(thrown) => return Ok(Err(Error::unreadable_option("options", thrown))),
    };
    let object = Object::from_unknown(options)?;
    let mut reading = Reading { given: Vec::with_capacity(names.len()), signal: None, on_progress: None };
    for name in names {
        let value = match property(env, &object, &name)? {
            Ok(value) => value,
            Err(thrown) => {
                reading.given.push((name, Given::Threw(thrown)));
                continue;
            }
        };
        let given = match value.get_type()? {
            ValueType::Undefined => continue,
            ValueType::Number => Given::Number(f64::from_unknown(value)?),
            ValueType::String => Given::Text(String::from_unknown(value)?),
            ValueType::Function => {
                if name == "onProgress" {
                    reading.on_progress = Some(Function::from_unknown(value)?);
                }
                Given::Function
            }
            ValueType::Object if is_abort_signal(env, &value)? => {
                if name == "signal" {
                    reading.signal = Some(Object::from_unknown(value)?);
                }
                Given::AbortSignal
            }
            ValueType::Object if !value.is_array()? => json(env, value)?,
            _ => Given::Other(type_name(&value)?),
        };
        reading.given.push((name, given));
    }
    Ok(Ok(reading))
}

/// Whether the signal has fired already. An answer that is no boolean counts as no.
pub fn is_aborted(env: &Env, signal: &Object) -> Result<bool> {
    Ok(match property(env, signal, "aborted")? {
        Ok(aborted) if aborted.get_type()? == ValueType::Boolean => bool::from_unknown(aborted)?,
        _ => false,
    })
}

/// By its shape and not by its class: signals also come from other realms and from polyfills.
fn is_abort_signal(env: &Env, value: &Unknown) -> Result<bool> {
    let object = Object::from_unknown(*value)?;
    for (name, expected) in [
        ("aborted", ValueType::Boolean),
        ("addEventListener", ValueType::Function),
        ("removeEventListener", ValueType::Function),
    ] {
        match property(env, &object, name)? {
            Ok(member) if member.get_type()? == expected => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// The value as `JSON.stringify` writes it.
fn json(env: &Env, value: Unknown) -> Result<Given> {
    let stringify: Function<Unknown, Unknown> =
        env.get_global()?.get_named_property::<Object>("JSON")?.get_named_property("stringify")?;
    Ok(match stringify.call(value) {
        Ok(text) if text.get_type()? == ValueType::String => Given::Object(String::from_unknown(text)?),
        Ok(_) => Given::Other("an object without a JSON form"),
        Err(error) => Given::Threw(error.reason.clone()),
    })
}

fn type_name(value: &Unknown) -> Result<&'static str> {
    Ok(match value.get_type()? {
        ValueType::Undefined => "undefined",
        ValueType::Null => "null",
        ValueType::Boolean => "a boolean",
        ValueType::Number => "a number",
        ValueType::String => "a string",
        ValueType::Symbol => "a symbol",
        ValueType::Object if value.is_array()? => "an array",
        ValueType::Object => "an object",
        ValueType::Function => "a function",
        ValueType::BigInt => "a bigint",
        ValueType::External | ValueType::Unknown => "a foreign value",
    })
}

/// As `Object.keys` tells them; a proxy's trap may throw.
fn own_names(env: &Env, object: Unknown) -> Result<std::result::Result<Vec<String>, String>> {
    let keys: Function<Unknown, Vec<String>> =
        env.get_global()?.get_named_property::<Function<(), ()>>("Object")?.get_named_property("keys")?;
    Ok(keys.call(object).map_err(|error| error.reason.clone()))
}

/// The value, or what its getter threw.
fn property<'env>(env: &Env, object: &Object<'env>, name: &str) -> Result<std::result::Result<Unknown<'env>, String>> {
    object.get_property::<_, Unknown>(env.create_string(name)?).map(Ok).or_else(|error| match thrown(env) {
        Some(thrown) => Ok(Err(thrown)),
        None => Err(error),
    })
}

/// Clears the pending exception, if there is one, and tells its text.
fn thrown(env: &Env) -> Option<String> {
    let exception = take_exception(env)?;
    let text = exception.coerce_to_string().and_then(|text| text.into_utf8()?.into_owned());
    if text.is_err() {
        // Its `toString` threw in its turn.
        take_exception(env);
    }
    Some(text.unwrap_or_else(|_| "something without a text".into()))
}

fn take_exception(env: &Env) -> Option<Unknown<'_>> {
    let mut pending = false;
    let mut exception = ptr::null_mut();
    // Both calls may be made while an exception is pending, and the value lives as long as the current native call.
    unsafe {
        sys::napi_is_exception_pending(env.raw(), &mut pending);
        if !pending || sys::napi_get_and_clear_last_exception(env.raw(), &mut exception) != sys::Status::napi_ok {
            return None;
        }
        Some(Unknown::from_raw_unchecked(env.raw(), exception))
    }
}
