//! What each provider takes, as users see it in the types.

use napi_derive::napi;

use crate::provider::Provider;

/// A provider, and which of the options that only some providers take it takes.
#[napi(object, object_from_js = false)]
pub struct ProviderInfo {
    /// The value of the `provider` option.
    #[napi(ts_type = "Provider")]
    pub name: &'static str,
    /// Its API, the default of `baseURL`. Absent where that option is required.
    #[napi(js_name = "baseURL")]
    pub base_url: Option<&'static str>,
    /// Its Turnstile task types, the default first. Empty where `taskType` may be any and is required.
    #[napi(ts_type = "readonly string[]")]
    pub task_types: Vec<&'static str>,
    /// Whether it takes `action`.
    pub action: bool,
    /// Whether it takes `cData`.
    #[napi(js_name = "cData")]
    pub c_data: bool,
    /// Whether it takes `proxy`.
    pub proxy: bool,
    /// Whether it takes `developerId`.
    pub developer_id: bool,
}

impl From<&Provider> for ProviderInfo {
    fn from(provider: &Provider) -> Self {
        ProviderInfo {
            name: provider.name,
            base_url: provider.base_url,
            task_types: provider.task_types.to_vec(),
            action: provider.action.is_some(),
            c_data: provider.c_data.is_some(),
            proxy: provider.proxy,
            developer_id: provider.developer_id.is_some(),
        }
    }
}
