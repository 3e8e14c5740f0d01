//! Ends HTTP/2 connections that only cost: a server may send without an end what was not asked for, and no call would notice.
//!
//! A connection is closed when much came in while no request was under way on it. One on which a request was given up may be
//! such a one, or dead: it gets no other request, and is closed when those under way have ended.

use std::{
    future::poll_fn,
    io, mem,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
};

use http::Extensions;
use hyper_util::client::legacy::connect::CaptureConnection;

use super::BodySent;
use crate::sync::lock;

/// Settings, pings and the like come to less between two requests.
const MAX_UNASKED: usize = 64 << 10;

/// What goes on on one connection.
#[derive(Default)]
pub struct Traffic(Mutex<State>);

#[derive(Default)]
struct State {
    /// HTTP/1.1 allows nothing between requests, and a request that is given up ends its connection.
    is_watched: bool,
    under_way: usize,
    /// Bytes that came in while nothing was under way.
    unasked: usize,
    is_given_up: bool,
    is_closed: bool,
    reader: Option<Waker>,
}

impl Traffic {
    /// From now on: what came before was the handshake.
    pub fn watch(&self) {
        lock(&self.0).is_watched = true;
    }

    /// An error once the connection is to be closed; until then that wakes the reader.
    pub fn check(&self, context: &Context<'_>) -> io::Result<()> {
        let mut state = lock(&self.0);
        if state.is_closed {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if !state.reader.as_ref().is_some_and(|reader| reader.will_wake(context.waker())) {
            state.reader = Some(context.waker().clone());
        }
        Ok(())
    }

    pub fn received(&self, count: usize) {
        let mut state = lock(&self.0);
        if state.is_watched && state.under_way == 0 {
            state.unasked += count;
            if state.unasked > MAX_UNASKED {
                state.is_closed = true;
            }
        }
    }

    fn enter(&self) {
        lock(&self.0).under_way += 1;
    }

    fn leave(&self) {
        let mut state = lock(&self.0);
        state.under_way -= 1;
        state.unasked = 0;
        if state.under_way == 0 && state.is_given_up {
            state.is_closed = true;
            if let Some(reader) = state.reader.take() {
                drop(state);
                reader.wake();
            }
        }
    }

    fn give_up(&self) {
        lock(&self.0).is_given_up = true;
    }
}

/// A request, and the connection that it is under way on.
pub struct UnderWay {
    captured: CaptureConnection,
    on: Option<Arc<Traffic>>,
    body_sent: BodySent,
    has_ended: bool,
}

impl UnderWay {
    pub fn new(captured: CaptureConnection, body_sent: BodySent) -> Self {
        UnderWay { captured, on: None, body_sent, has_ended: false }
    }

    /// Waits for what the request comes to. It may change its connection meanwhile.
    pub async fn run<T>(&mut self, request: impl Future<Output = T>) -> T {
        let mut request = pin!(request);
        poll_fn(|context| {
            let polled = request.as_mut().poll(context);
            self.look();
            polled
        })
        .await
    }

    /// A reply or an error has come.
    pub fn ended(&mut self) {
        self.has_ended = true;
    }

    fn look(&mut self) {
        let mut extras = Extensions::new();
        if let Some(connected) = &*self.captured.connection_metadata() {
            connected.get_extras(&mut extras);
        }
        let now = extras.remove::<Arc<Traffic>>();
        let is_same = match (&self.on, &now) {
            (Some(on), Some(now)) => Arc::ptr_eq(on, now),
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            if let Some(now) = &now {
                now.enter();
            }
            if let Some(before) = mem::replace(&mut self.on, now) {
                before.leave();
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Some(on) = self.on.take() else { return };
        if !self.has_ended && self.body_sent.get() {
            on.give_up();
            if let Some(connected) = &*self.captured.connection_metadata() {
                connected.poison();
            }
        }
        on.leave();
    }
}
