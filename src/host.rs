//! What all calls to one host share: how many requests may be under way.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{client::Method, request::Account};

/// createTask has places of its own, so that it is never stuck behind thousands of polls.
const CREATING: usize = 64;
/// Enough for one in ten to hang until it times out, and few enough for a process that may open 1024 files.
const ASKING: usize = 256;

pub struct Host {
    creating: Semaphore,
    asking: Semaphore,
}

impl Host {
    pub fn of(account: &Account) -> Arc<Host> {
        type Hosts = HashMap<(String, Option<u16>), Arc<Host>>;
        static HOSTS: LazyLock<Mutex<Hosts>> = LazyLock::new(Mutex::default);
        let url = &account.base_url;
        let id = (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default());
        let mut hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Host { creating: Semaphore::new(CREATING), asking: Semaphore::new(ASKING) });
        Arc::clone(hosts.entry(id).or_insert_with(new))
    }

    /// Waits, first come, first served, for leave to have one more request under way. The semaphores are never closed, so
    /// there is always a permit in the end.
    pub async fn place(&self, method: Method) -> Option<SemaphorePermit<'_>> {
        let places = match method {
            Method::CreateTask => &self.creating,
            Method::GetTaskResult | Method::GetBalance => &self.asking,
        };
        places.acquire().await.ok()
    }
}
