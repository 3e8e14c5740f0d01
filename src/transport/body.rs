//! A request body that knows whether it has left: until a connection is open and asks for it, nothing was sent that a
//! provider could act on.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::BodySent;

pub struct TrackedBody {
    bytes: Option<Bytes>,
    sent: BodySent,
}

impl TrackedBody {
    pub fn new(bytes: Bytes, sent: BodySent) -> Self {
        TrackedBody { bytes: Some(bytes), sent }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.set();
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
