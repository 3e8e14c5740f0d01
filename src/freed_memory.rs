//! Shows that secrets do not stay in freed memory: an allocator for tests that looks into what is freed.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    slice,
};

use crate::{
    options::{CreateTaskRequest, RawOption},
    wire,
};

/// Part of every secret of these tests, and of nothing else.
const MARKER: &[u8] = b"wipe-me-0123456789";

thread_local! {
    static WATCHING: Cell<bool> = const { Cell::new(false) };
    static FOUND: Cell<usize> = const { Cell::new(0) };
}

struct Watching;

#[global_allocator]
static ALLOCATOR: Watching = Watching;

impl Watching {
    /// Safety: the block is allocated, and nothing writes to it meanwhile.
    unsafe fn look_into(block: *mut u8, size: usize) {
        if WATCHING.try_with(Cell::get).unwrap_or(false) {
            let bytes = unsafe { slice::from_raw_parts(block, size) };
            if bytes.windows(MARKER.len()).any(|part| part == MARKER) {
                FOUND.set(FOUND.get() + 1);
            }
        }
    }
}

// Every block comes zeroed, so that what is looked into was written by this program.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe {
            Self::look_into(block, layout.size());
            System.dealloc(block, layout);
        }
    }
}

/// How many freed blocks held a secret.
fn freed_with_a_secret(work: impl FnOnce()) -> usize {
    FOUND.set(0);
    WATCHING.set(true);
    work();
    WATCHING.set(false);
    FOUND.get()
}

fn request() -> CreateTaskRequest {
    let text = |value: &str| RawOption::Text(value.to_owned());
    let given = vec![
        ("provider".to_owned(), text("ezcaptcha")),
        ("clientKey".to_owned(), text("key-wipe-me-0123456789")),
        ("websiteURL".to_owned(), text("https://shop.example/")),
        ("websiteKey".to_owned(), text("0x4AAAAAAA")),
        ("proxy".to_owned(), text("http://user:wipe-me-0123456789@proxy.example:80")),
        ("extraTaskFields".to_owned(), RawOption::Object(r#"{"proxyPassword":"wipe-me-0123456789-too"}"#.into())),
    ];
    CreateTaskRequest::parse(given).unwrap()
}

#[test]
fn the_allocator_finds_a_secret_that_is_not_wiped() {
    assert_eq!(freed_with_a_secret(|| drop(String::from_utf8_lossy(MARKER).into_owned())), 1);
}

#[test]
fn options_that_were_parsed_leave_no_secret_behind() {
    assert_eq!(freed_with_a_secret(|| drop(request())), 0);
}

#[test]
fn a_request_body_that_was_sent_leaves_no_secret_behind() {
    assert_eq!(
        freed_with_a_secret(|| {
            let CreateTaskRequest { task, .. } = request();
            let (task, beside) = task.into_fields();
            let body = wire::create_task_body("key-wipe-me-0123456789", &task, &beside);
            assert!(body.windows(MARKER.len()).filter(|part| *part == MARKER).count() == 3);
        }),
        0
    );
}

#[test]
fn redacting_leaves_no_secret_behind() {
    let request = request();
    let text = String::from("nothing in here, not even in %41 and c2VjcmV0");
    assert_eq!(freed_with_a_secret(|| drop(request.account.secrets.redact(text))), 0);
}
