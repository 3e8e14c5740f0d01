//! Reads a JavaScript options object. What a getter, a proxy or a `toJSON` throws is reported under the option's name.

use std::ptr;

use napi::{
    Env, JsValue, ValueType,
    bindgen_prelude::{Array, FromNapiValue, Object, Result, Unknown},
    check_status, sys,
};

use super::js_call::{JsResult, call_global, own_names, property};
use crate::{
    error::Error,
    options::{MAX_TEXT_LENGTH, RawOption, RawOptions},
};

/// In bytes. No option has a name near it, and no secret is longer.
const MAX_NAME_LENGTH: usize = 4096;

/// The options, and the two values among them that stay in JavaScript.
pub struct Reading<'env> {
    pub options: RawOptions,
    pub signal: Option<Object<'env>>,
    pub on_progress: Option<Unknown<'env>>,
}

/// Reads the own enumerable properties, each once, as a spread would.
pub fn read<'env>(env: &'env Env, options: Unknown<'env>) -> Result<std::result::Result<Reading<'env>, Error>> {
    if options.get_type()? != ValueType::Object || options.is_array()? {
        let problem = format!("must be an object, not {}", type_name(&options)?);
        return Ok(Err(Error::invalid_option("options", problem)));
    }
    let object = Object::from_unknown(options)?;
    let names = match own_names(env, &object)? {
        Ok(names) => Array::from_unknown(names)?,
        Err(thrown) => return Ok(Err(Error::unreadable_option("options", thrown))),
    };
    let mut reading = Reading { options: Vec::new(), signal: None, on_progress: None };
    for at in 0..names.len() {
        let Some(key) = names.get::<Unknown>(at)? else { continue };
        let name = match text_length(env, key)? > MAX_NAME_LENGTH {
            true => first_of(env, key)?,
            false => String::from_unknown(key)?,
        };
        let value = match property(env, &object, key)? {
            Ok(value) => value,
            Err(thrown) => {
                reading.options.push((name, RawOption::Threw(thrown)));
                continue;
            }
        };
        let option = match value.get_type()? {
            ValueType::Undefined => continue,
            ValueType::Number => RawOption::Number(f64::from_unknown(value)?),
            ValueType::String if text_length(env, value)? > MAX_TEXT_LENGTH => RawOption::LongText,
            ValueType::String => RawOption::Text(String::from_unknown(value)?),
            ValueType::Function => {
                if name == "onProgress" {
                    reading.on_progress = Some(value);
                }
                RawOption::Function
            }
            ValueType::Object if is_abort_signal(env, value)? => {
                if name == "signal" {
                    reading.signal = Some(Object::from_unknown(value)?);
                }
                RawOption::AbortSignal
            }
            ValueType::Object if !value.is_array()? => json(env, value)?,
            _ => RawOption::Other(type_name(&value)?),
        };
        reading.options.push((name, option));
    }
    Ok(Ok(reading))
}

/// Whether the signal has fired already. Anything but a boolean counts as no.
pub fn is_aborted(env: &Env, signal: &Object) -> Result<bool> {
    Ok(match member(env, signal, "aborted")? {
        Ok(aborted) if aborted.get_type()? == ValueType::Boolean => bool::from_unknown(aborted)?,
        _ => false,
    })
}

/// By its shape and not by its class: signals also come from other realms and from polyfills.
fn is_abort_signal(env: &Env, value: Unknown) -> Result<bool> {
    let object = Object::from_unknown(value)?;
    for (name, expected) in [
        ("aborted", ValueType::Boolean),
        ("addEventListener", ValueType::Function),
        ("removeEventListener", ValueType::Function),
    ] {
        match member(env, &object, name)? {
            Ok(member) if member.get_type()? == expected => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn member<'env>(env: &Env, object: &Object, name: &str) -> Result<JsResult<Unknown<'env>>> {
    property(env, object, env.create_string(name)?.to_unknown())
}

/// In bytes, without copying the text.
fn text_length(env: &Env, text: Unknown) -> Result<usize> {
    let mut length = 0;
    let status = unsafe { sys::napi_get_value_string_utf8(env.raw(), text.raw(), ptr::null_mut(), 0, &mut length) };
    check_status!(status)?;
    Ok(length)
}

/// The first bytes of a text that is too long to be a name.
fn first_of(env: &Env, text: Unknown) -> Result<String> {
    let (mut buffer, mut length) = (vec![0_u8; MAX_NAME_LENGTH], 0);
    let status = unsafe {
        sys::napi_get_value_string_utf8(env.raw(), text.raw(), buffer.as_mut_ptr().cast(), buffer.len(), &mut length)
    };
    check_status!(status)?;
    buffer.truncate(length);
    Ok(String::from_utf8_lossy(&buffer).into_owned())
}

/// The value as `JSON.stringify` writes it.
fn json(env: &Env, value: Unknown) -> Result<RawOption> {
    Ok(match call_global(env, "JSON", "stringify", value)? {
        Ok(text) if text.get_type()? == ValueType::String => RawOption::Object(String::from_unknown(text)?),
        Ok(_) => RawOption::Other("an object without a JSON form"),
        Err(thrown) => RawOption::Threw(thrown),
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
