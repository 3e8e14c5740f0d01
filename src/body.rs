//! A request body that knows whether it has left: until a connection stands and asks for it, nothing was sent that a
//! provider could act on.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Whether the body has left; shared with whoever sends it.
pub type Departed = Arc<AtomicBool>;

pub struct TrackedBody {
    bytes: Option<Bytes>,
    departed: Departed,
}

impl TrackedBody {
    pub fn new(bytes: Bytes, departed: Departed) -> Self {
        TrackedBody { bytes: Some(bytes), departed }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.departed.store(true, Ordering::Relaxed);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
